/** An error that Auth returns in the format of GoTrue. */
export class AuthError extends Error {
  constructor(status, code, message, more) {
    super(message)
    Object.assign(this, { status, body: { code: status, error_code: code, msg: message, ...more } })
  }
}

export const invalid = (message, status = 400) => new AuthError(status, 'validation_failed', message)
export const notFound = () => new AuthError(404, 'user_not_found', 'User not found')
export const emailExists = () =>
  new AuthError(422, 'email_exists', 'A user with this email address has already been registered')
