// Turns the build into what Go embeds: every compressible asset becomes a .br and a .gz of itself and the plain file
// goes, so that the repository and the binary hold each byte in its smallest forms only. Pages stay plain as well:
// they are small, and a reader of the repository finds them.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const dist = new URL('../dist/', import.meta.url).pathname;
const compressible = new Set(['.css', '.html', '.js', '.md', '.svg', '.ttf']);

let before = 0;
let after = 0;
for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const path = join(entry.parentPath, entry.name);
  const plain = readFileSync(path);
  before += plain.length;
  if (!compressible.has(extname(path))) {
    after += plain.length;
    continue;
  }
  const brotli = brotliCompressSync(plain, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
      [constants.BROTLI_PARAM_LGWIN]: 22,
    },
  });
  const gzip = gzipSync(plain, { level: 9 });
  // The tenth byte names the operating system that compressed: 255, unknown, keeps the bytes the same everywhere.
  gzip[9] = 255;
  writeFileSync(`${path}.br`, brotli);
  writeFileSync(`${path}.gz`, gzip);
  after += brotli.length + gzip.length;
  if (extname(path) === '.html') after += plain.length;
  else rmSync(path);
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`;
console.log(`dist: ${megabytes(before)} built, ${megabytes(after)} embedded`);
