// The tables of Auth, and users in the format of GoTrue.
import { createHash, randomInt, randomUUID } from 'node:crypto'
import { AuthError, emailExists, invalid, notFound } from './errors.mjs'

export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
export const PASSWORD_LIMIT = 72 // bytes: bcrypt reads no further
export const tooLongPassword = () => invalid(`Password cannot be longer than ${PASSWORD_LIMIT} characters`)
const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/

/** What a one-time code is kept as: the form that Auth compares. */
export const tokenHash = (email, code) => createHash('sha256').update(email.toLowerCase() + code).digest('hex')

/** A new one-time code of six digits. */
export const oneTimeCode = () => String(randomInt(1_000_000)).padStart(6, '0')

export class Users {
  constructor(sql, bcrypt) {
    Object.assign(this, { sql, bcrypt })
  }

  async find(id) {
    if (!UUID.test(id)) throw invalid('user_id must be an UUID', 404)
    const [row] = await this.sql`select * from auth.users where id = ${id}`
    if (!row) throw notFound()
    return row
  }

  async findByEmail(email) {
    const [row] = await this.sql`select * from auth.users where email = ${email.toLowerCase()}`
    return row
  }

  async page(page, size) {
    const [{ count }] = await this.sql`select count(*)::int as count from auth.users`
    const rows = await this.sql`
      select * from auth.users order by created_at desc, id limit ${size} offset ${(page - 1) * size}`
    return { count, users: await Promise.all(rows.map((row) => this.present(row))) }
  }

  /** A user as GoTrue answers it; empty optional members are left out. */
  async present(row) {
    const identities = await this.sql`select * from auth.identities where user_id = ${row.id} order by created_at`
    const optional = {
      email_confirmed_at: row.email_confirmed_at, phone_confirmed_at: row.phone_confirmed_at,
      confirmed_at: row.confirmed_at, invited_at: row.invited_at, confirmation_sent_at: row.confirmation_sent_at,
      recovery_sent_at: row.recovery_sent_at, new_email: row.email_change,
      email_change_sent_at: row.email_change_sent_at, last_sign_in_at: row.last_sign_in_at,
      banned_until: row.banned_until, deleted_at: row.deleted_at,
    }
    return {
      id: row.id, aud: row.aud ?? 'authenticated', role: row.role ?? 'authenticated',
      email: row.email ?? '', phone: row.phone ?? '',
      ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value)),
      app_metadata: row.raw_app_meta_data ?? {}, user_metadata: row.raw_user_meta_data ?? {},
      identities: identities.map(presentIdentity),
      created_at: row.created_at, updated_at: row.updated_at, is_anonymous: row.is_anonymous,
    }
  }

  async create(given) {
    const { id, email, password, user_metadata, app_metadata, email_confirm } = given
    const { phone, phone_confirm, role, ban_duration } = given
    if (!email && !phone) throw invalid('Cannot create a user without either an email or phone')
    if (id !== undefined && !UUID.test(id)) throw invalid('ID must conform to the uuid v4 format')
    const providers = [email && 'email', phone && 'phone'].filter(Boolean)
    const row = {
      id: id ?? randomUUID(), aud: 'authenticated', role: role || 'authenticated',
      email: email ? await this.freeEmail(email) : null, phone: phone?.replace(/^\+/, '') || null,
      encrypted_password: await this.hash(password ?? randomUUID()),
      email_confirmed_at: email && email_confirm ? new Date() : null,
      phone_confirmed_at: phone && phone_confirm ? new Date() : null,
      banned_until: bannedUntil(ban_duration),
      raw_app_meta_data: { ...app_metadata, provider: app_metadata?.provider ?? providers[0], providers },
      raw_user_meta_data: { ...user_metadata, ...(email && email_confirm && { email_verified: true }) },
    }
    await this.sql.begin(async (sql) => {
      await sql`insert into auth.users ${sql(row)}`
      for (const provider of providers) await insertIdentity(sql, row, provider)
    }).catch(refused)
    return this.find(row.id)
  }

  async update(id, change) {
    const row = await this.find(id)
    const { email, phone, password, user_metadata, app_metadata, role, ban_duration } = change
    const set = { updated_at: new Date() }
    if (email && email.toLowerCase() !== row.email) set.email = await this.freeEmail(email)
    if (phone) set.phone = phone.replace(/^\+/, '')
    if (password !== undefined) set.encrypted_password = await this.hash(password)
    if (user_metadata) set.raw_user_meta_data = merged(row.raw_user_meta_data, user_metadata)
    if (app_metadata) set.raw_app_meta_data = merged(row.raw_app_meta_data, app_metadata)
    if (role) set.role = role
    if (ban_duration !== undefined) set.banned_until = bannedUntil(ban_duration)
    if (change.email_confirm) set.email_confirmed_at = row.email_confirmed_at ?? new Date()
    if (change.phone_confirm) set.phone_confirmed_at = row.phone_confirmed_at ?? new Date()
    await this.sql.begin(async (sql) => {
      await sql`update auth.users set ${sql(set)} where id = ${id}`
      if (set.email) await renameIdentity(sql, { ...row, ...set })
      if (set.encrypted_password) await sql`delete from auth.sessions where user_id = ${id}`
    }).catch(refused)
    return this.find(id)
  }

  async remove(id, softly) {
    const row = await this.find(id)
    if (softly) return this.#blank(row)
    await this.sql`delete from auth.refresh_tokens where user_id = ${id}`
    await this.sql`delete from auth.users where id = ${id}`.catch((error) => {
      if (error.code === '23503') throw new AuthError(500, 'unexpected_failure', 'Database error deleting user')
      throw error
    })
  }

  // A softly deleted user stays as a row that nobody can sign in to, its personal data hashed away.
  async #blank(row) {
    const veil = (text) => text && createHash('sha256').update(row.id + text).digest('base64url')
    const set = {
      email: veil(row.email), phone: veil(row.phone)?.slice(0, 15) ?? null, encrypted_password: null,
      confirmation_token: null, recovery_token: null, email_change: null, email_change_token_current: null,
      email_change_token_new: null, raw_user_meta_data: {}, raw_app_meta_data: {}, deleted_at: new Date(),
    }
    await this.sql.begin(async (sql) => {
      await sql`update auth.users set ${sql(set)} where id = ${row.id}`
      await sql`
        update auth.identities set identity_data = '{}', provider_id = ${veil(row.id)} where user_id = ${row.id}`
      await sql`delete from auth.sessions where user_id = ${row.id}`
    })
  }

  /** The address in the form it is stored, if nobody has it. */
  async freeEmail(email) {
    if (!EMAIL.test(email)) throw invalid('Unable to validate email address: invalid format')
    if (await this.findByEmail(email)) throw emailExists()
    return email.toLowerCase()
  }

  async hash(password) {
    if (password.length < 6) {
      const message = 'Password should be at least 6 characters.'
      throw new AuthError(422, 'weak_password', message, { weak_password: { reasons: ['length'], message } })
    }
    if (Buffer.byteLength(password) > PASSWORD_LIMIT) throw tooLongPassword()
    return this.bcrypt.hash(password, Number(process.env.LITE_AUTH_BCRYPT_COST))
  }
}

function presentIdentity({ id, provider_id, user_id, identity_data, provider, ...rest }) {
  const { last_sign_in_at, created_at, updated_at, email } = rest
  return {
    identity_id: id, id: provider_id, user_id, identity_data, provider,
    last_sign_in_at, created_at, updated_at, ...(email && { email }),
  }
}

function insertIdentity(sql, { id, email, phone }, provider) {
  const contact = provider === 'email' ? { email } : { phone }
  const identity_data = { sub: id, ...contact, email_verified: false, phone_verified: false }
  return sql`insert into auth.identities ${sql({
    id: randomUUID(), provider, provider_id: id, user_id: id, identity_data, last_sign_in_at: new Date(),
  })}`
}

async function renameIdentity(sql, row) {
  const { count } = await sql`
    update auth.identities set identity_data = identity_data || ${sql.json({ email: row.email })}
    where user_id = ${row.id} and provider = 'email'`
  if (count === 0) await insertIdentity(sql, row, 'email')
}

// Metadata is merged member by member; null takes a member away.
function merged(old, change) {
  return Object.fromEntries(Object.entries({ ...old, ...change }).filter(([, value]) => value !== null))
}

const LONGEST = 100 // characters of a duration
const UNITS = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 }

// A duration as Go writes it (24h, 1h30m), or "none" to lift a ban.
function bannedUntil(duration) {
  if (duration === undefined || duration === '' || duration === 'none') return null
  const parts = [...duration.slice(0, LONGEST).matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)]
  const until = new Date(Date.now() + parts.reduce((sum, [, amount, unit]) => sum + amount * UNITS[unit], 0))
  // The largest duration of Go is 292 years.
  if (parts.map(([whole]) => whole).join('') !== duration || !(until.getFullYear() < 2400)) {
    throw invalid(`invalid format for ban duration: ${duration.slice(0, LONGEST)}`)
  }
  return until
}

// Somebody else was faster, or a trigger on auth.users failed.
function refused(error) {
  if (error.code !== '23505') throw error
  if (error.constraint_name === 'users_phone_key') {
    throw new AuthError(422, 'phone_exists', 'A user with this phone number has already been registered')
  }
  if (error.constraint_name === 'users_pkey') {
    throw new AuthError(422, 'user_already_exists', 'A user with this id has already been registered')
  }
  throw error.constraint_name === 'users_email_partial_key' ? emailExists() : error
}
