// HS256 tokens, the only kind here: PostgREST and Auth share one secret.
import { createHmac, timingSafeEqual } from 'node:crypto'

const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url')
const HEADER = encode({ alg: 'HS256', typ: 'JWT' })
const mac = (text, secret) => createHmac('sha256', secret).update(text).digest()

/** A signed token. */
export function sign(claims, secret) {
  const text = `${HEADER}.${encode(claims)}`
  return `${text}.${mac(text, secret).toString('base64url')}`
}

/** The claims of a token that is ours, has begun and has not expired, else null. */
export function verify(token, secret) {
  const [header, payload, signature] = token.split('.')
  try {
    const given = Buffer.from(signature, 'base64url')
    const wanted = mac(`${header}.${payload}`, secret)
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return null
    const claims = JSON.parse(Buffer.from(payload, 'base64url'))
    const { nbf = 0, exp = Infinity } = claims
    const now = Date.now() / 1000
    return nbf <= now && now < exp ? claims : null
  } catch {
    return null
  }
}
