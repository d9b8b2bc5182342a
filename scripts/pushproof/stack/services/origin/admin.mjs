// Auth's admin API, for requests with the secret key.
import { AuthError, emailExists, invalid, notFound } from './errors.mjs'
import { oneTimeCode, tokenHash } from './users.mjs'

/** Answers `/admin/…` and `/invite`: { status, body, headers? }. `origin` is the address links are made for. */
export async function administer({ method, path, query, body }, users, { origin, site_url }) {
  const [, resource, id] = path.match(/^\/(?:admin\/)?([^/]+)(?:\/([^/]+))?$/) ?? []
  switch (`${method} ${resource}${id === undefined ? '' : '/:id'}`) {
    case 'GET users': return list(query, users)
    case 'POST users': return ok(await users.present(await users.create(body)))
    case 'GET users/:id': return ok(await users.present(await users.find(id)))
    case 'PUT users/:id': return ok(await users.present(await users.update(id, body)))
    case 'DELETE users/:id': return ok(await users.remove(id, body.should_soft_delete))
    case 'POST invite': return ok((await link({ ...body, type: 'invite' }, users)).user)
    case 'POST generate_link': return generateLink(body, users, origin, site_url)
    default: throw new AuthError(404, 'not_found', 'Not found')
  }
}

const ok = (body) => ({ status: 200, body: body ?? {} })

async function list(query, users) {
  const page = Number(query.get('page') || 1)
  const size = Number(query.get('per_page') || 50)
  if (!(page >= 1 && size >= 1 && Number.isInteger(page) && Number.isInteger(size) && page * size < 2 ** 53)) {
    throw invalid('Bad Pagination Parameters: page and per_page must be positive integers')
  }
  const { count, users: found } = await users.page(page, size)
  const last = Math.max(1, Math.ceil(count / size))
  const to = (number, rel) => `</admin/users?page=${number}&per_page=${size}>; rel="${rel}"`
  const link = [page < last && to(page + 1, 'next'), to(last, 'last')].filter(Boolean).join(', ')
  return { status: 200, body: { users: found, aud: 'authenticated' }, headers: { 'x-total-count': count, link } }
}

async function generateLink(request, users, origin, site_url) {
  const { user, type, code, hash } = await link(request, users)
  const redirect_to = request.redirect_to || request.options?.redirect_to || site_url
  const target = new URLSearchParams({ token: hash, type: type.replace(/_(current|new)$/, ''), redirect_to })
  return ok({
    ...user, action_link: `${origin}/auth/v1/verify?${target}`, email_otp: code, hashed_token: hash,
    verification_type: type, redirect_to,
  })
}

// Leaves a one-time code with the user, who is created where the type allows it.
async function link({ type, email, new_email, password, data }, users) {
  if (!email) throw invalid('email is required')
  let user = await users.findByEmail(email)
  const code = oneTimeCode()
  const signup = async (credentials) => {
    if (user?.email_confirmed_at) throw emailExists()
    user ??= await users.create({ email, user_metadata: data, ...credentials })
    return { confirmation_token: tokenHash(email, code), confirmation_sent_at: new Date() }
  }
  const kinds = {
    signup: () => {
      if (!password) throw invalid('Signup requires a valid password')
      return signup({ password })
    },
    invite: async () => ({ ...await signup(), invited_at: new Date() }),
    magiclink: () => user ? recovery(email, code) : (type = 'signup', signup()),
    recovery: () => recovery(email, code),
    email_change_current: async () => ({ ...await change(), email_change_token_current: tokenHash(email, code) }),
    email_change_new: async () => ({ ...await change(), email_change_token_new: tokenHash(new_email, code) }),
  }
  const change = async () => ({
    email_change: await users.freeEmail(new_email ?? ''),
    email_change_sent_at: new Date(),
    email_change_confirm_status: 0,
  })
  if (!Object.hasOwn(kinds, type)) throw invalid(`Invalid email action link type requested: ${type}`)
  if (!user && !['signup', 'invite', 'magiclink'].includes(type)) throw notFound()
  const set = await kinds[type]()
  await users.sql`update auth.users set ${users.sql(set)} where id = ${user.id}`
  const hash = Object.entries(set).find(([column]) => /_token(_\w+)?$/.test(column))[1]
  return { user: await users.present(await users.find(user.id)), type, code, hash }
}

const recovery = (email, code) => ({ recovery_token: tokenHash(email, code), recovery_sent_at: new Date() })
