/** Answers with JSON that any web page may read, as a hosted project does. */
export function reply(res, status, body, headers = {}) {
  if (res.headersSent || res.destroyed) return
  const text = JSON.stringify(body)
  res.writeHead(status, {
    'access-control-allow-origin': '*',
    'access-control-expose-headers': 'X-Total-Count, Link, X-Supabase-Api-Version',
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    ...headers,
  }).end(text)
}

/** One line to stderr; never a key, a token or a password. */
export function log(line) {
  process.stderr.write(`origin: ${String(line).split('\n', 1)[0]}\n`)
}
