// Reads a JSON array of Location headers and writes, for each, what a browser makes of it by the WHATWG URL Standard: the
// origin that it goes to, the credentials that it would send, and what the page there is told. null: it goes nowhere.
import { readFileSync } from 'node:fs'

const base = process.argv[2]
const answers = JSON.parse(readFileSync(0, 'utf8')).map((location) => {
  try {
    const url = new URL(location, base)
    return {
      origin: url.origin,
      credentials: url.username + url.password,
      integration: url.searchParams.getAll('integration').join(),
      status: url.searchParams.getAll('status').join(),
    }
  } catch {
    return null
  }
})
process.stdout.write(JSON.stringify(answers))
