// The allowed routes. A path is normalized first; only the normalized form is checked and forwarded.

const QUOTED = /"(?:[^"\\]|\\[^]|\\$)*("|$)/g // to its end in any case, or its time would grow with the square of its length
export const CONTROL = /[\u0000-\u001f\u007f]/
const ROUTE = /^\/(rest|auth)\/v1(?=\/|$)/
// The routes of GoTrue that are answered here: https://supabase.com/docs/reference/self-hosting-auth/introduction
const AUTH = {
  '/health': 'GET', '/settings': 'GET', '/.well-known/jwks.json': 'GET', '/.well-known/openid-configuration': 'GET',
  '/authorize': 'GET', '/callback': 'GET POST', '/verify': 'GET POST',
  '/signup': 'POST', '/token': 'POST', '/otp': 'POST', '/magiclink': 'POST', '/recover': 'POST', '/resend': 'POST',
  '/logout': 'POST', '/user': 'GET PUT', '/reauthenticate': 'GET',
  '/invite': 'POST', '/admin/generate_link': 'POST', '/admin/users': 'GET POST', '/admin/users/:id': 'GET PUT DELETE',
}
// What links in mails and sign-in pages lead to, and what says nothing secret, needs no key.
const OPEN = /^\/(health|settings|authorize|callback|verify|\.well-known\/.*)$/

/**
 * Where a request goes: { target, path, open }, `path` being what follows /rest/v1 or /auth/v1. Else { status }:
 * 400 for a path that two servers could read in two ways, 404 for what is not routed, 405 for a method that a route lacks.
 */
export function routeOf(method, rawPath) {
  const whole = normalised(rawPath)
  if (whole === undefined) return { status: 400 }
  const [prefix, target] = ROUTE.exec(whole) ?? []
  if (!target) return { status: 404 }
  const path = whole.slice(prefix.length) || '/'
  if (target === 'rest') return { target, path, open: false }
  const methods = AUTH[path.replace(/^(\/admin\/users)\/[^/]+$/, '$1/:id')]
  if (!methods) return { status: 404 }
  if (!methods.split(' ').includes(method === 'HEAD' ? 'GET' : method)) return { status: 405 }
  return { target, path, open: OPEN.test(path) }
}

/**
 * The path with each segment escaped in the same way; undefined for an escape that is none, a control character, an
 * empty segment that is not the last, or a dot segment, however written. A slash within a name, as in /rest/v1/a%2Fb,
 * stays escaped: PostgREST serves tables of such names.
 */
function normalised(rawPath) {
  const [start, ...segments] = rawPath.split('/') // ASCII: node:http takes nothing else
  let names
  try {
    names = segments.map(decodeURIComponent)
  } catch {
    return undefined
  }
  const parts = names.flatMap((name) => name.split(/[/\\]/))
  const ambiguous = start !== '' || names.slice(0, -1).includes('') || CONTROL.test(names.join(''))
  if (ambiguous || parts.some((part) => /^\.\.?$/.test(part.trim()))) return undefined
  return `/${names.map(encodeURIComponent).join('/')}`
}

/**
 * Whether a DELETE or PATCH says which rows: a filter on the table itself or a limit, which PostgREST makes a WHERE of. It
 * splits at semicolons too, and takes no notice of a name without a value.
 */
export function namesRows(query) {
  const pairs = query.slice(1).split(/[&;]/).map((pair) => [nameOf(pair), pair.slice(pair.indexOf('=') + 1)])
  // A limit that is no number is none, nor is the one beside it.
  const limited = pairs.every(([name, value]) => name !== 'limit' || /^\d{1,9}$/.test(value))
  return pairs.some(([name]) => {
    if (['', 'select', 'columns', 'on_conflict'].includes(name)) return false
    const last = name.split('.').at(-1) // by which PostgREST knows what is no filter, in whatever quotes or arrows it stands
    if (last === 'order' || last === 'offset') return false
    if (last === 'limit') return name === 'limit' && limited
    if (last === 'and' || last === 'or') return /^(not\.)?(and|or)$/.test(name)
    const bare = name.replace(QUOTED, (quoted, end) => (end ? '' : quoted))
    return !bare.split('->')[0].includes('.') // with a dot it is of an embedded relation
  })
}

function nameOf(pair) {
  const [name, value] = pair.split('=', 2)
  try {
    return value === undefined ? '' : decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return ''
  }
}
