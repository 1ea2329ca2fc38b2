// Package sandbox is a stand-in of Zoho (accounts and Cliq, all data centres) and of a mail server, for development
// and tests. It shares no code with what it tests: it knows Zoho only from its documentation and from what others
// observed, so a misunderstanding in the client is not repeated here.
//
// It owns invented accounts, codes, tokens, chats and a mailbox, all in memory and all bounded. It does not own the
// people or events of the application: Config hands those over as hooks, so that a page can fire an event at somebody.
// Nothing in it protects a secret, so it must never be reachable in production.
//
// A data centre is told by the path: what is https://accounts.zoho.in and https://cliq.zoho.in in reality is
// {base}/in/accounts and {base}/in/cliq here, with the codes us eu in au ca uk jp sa cn.
//
//	GET  /{region}/accounts/oauth/v2/auth            consent page; errors are HTML pages, never redirects
//	POST /{region}/accounts/oauth/v2/approve         the answer of that page
//	POST /{region}/accounts/oauth/v2/token           code exchange and refresh; errors come with status 200
//	POST /{region}/accounts/oauth/v2/revoke/token    revocation, client in Basic and token in the body
//	POST /{region}/accounts/oauth/v2/token/revoke    revocation, token in the query
//	GET  /{region}/accounts/oauth/serverinfo         the accounts servers
//	POST /{region}/cliq/api/v2/bots/{bot}/message    bot message; also below /company/{id} and /network/{name}
//	ANY  /trap                                       where the redirect fault leads; arriving is a violation
//
//	GET  /                                           overview: faults, accounts, requests, fire an event
//	GET  /cliq  /mail  /mail/{id}                    chats and mailbox
//	POST /faults  /accounts  /reset  /fire           the forms of these pages
//
// The JSON API below /api takes and gives JSON; errors are {"error": "…"} with status 400 or 404.
//
//	GET    /api/version            {version}: changes whenever anything below changes
//	GET    /api/state              summary of everything
//	GET    /api/faults             {table, active}: every Fault with its values; what is switched on
//	POST   /api/faults             {fault, region?, service?, account?, value?, times?} switches one on
//	DELETE /api/faults             ?fault=&region=&service=&account= switches off one setting, one fault, or all
//	POST   /api/reset              {accounts?: true} forgets faults and traffic, on demand accounts too
//	GET    /api/accounts           {accounts}
//	POST   /api/accounts/revoke    {region?, account?} removes the app from connected apps
//	POST   /api/accounts/expire    {region?, account?} lets access tokens run out
//	POST   /api/accounts/connect   {region, account: {name, email}, clientId?, scopes?} gives tokens without consent
//	POST   /api/redirect-uris      {uri} registers a redirect URI
//	POST   /api/consent            {url, region?, account?: {name, email}, deny?} answers a consent URL: {location}
//	GET    /api/messages           ?account=&region=&after= {messages}; DELETE empties the chats
//	GET    /api/requests           {counts, requests}
//	GET    /api/violations         {violations}: what a well-behaved client never does
//	GET    /api/revocations        {revocations}
//	GET    /api/mail               ?to= {messages}; DELETE empties the mailbox
//	GET    /api/mail/{id}          one mail
//	GET    /api/catalog            {events, users} that can be fired and at whom
//	POST   /api/fire               {type, workspaceId, actorId?, recipients, fields} fires one
//
// Unsafe requests of a browser must come from the sandbox's own pages; other clients are not restricted.
//
// Sandbox starts no goroutine; Mail starts one and one per connection. Close ends what hangs on purpose and must come
// before the shutdown of the HTTP server, which would wait for it. Times come from Config.Now, except the delays of
// FaultSlow. Each store has a lock of its own and none is held while another is taken.
package sandbox
