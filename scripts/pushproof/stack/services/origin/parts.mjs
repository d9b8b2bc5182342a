// The npm parts are installed in another folder, so a bare import does not find them.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Imports a package (or `package/subpath`) that is installed in `<parts>/node_modules`. */
export async function load(parts, specifier) {
  return import(pathToFileURL(locate(parts, specifier)))
}

// createRequire knows the folders but not the `import` condition, under which these packages publish.
function locate(parts, specifier) {
  const [, name, rest] = specifier.match(/^((?:@[^/]+\/)?[^/]+)(.*)$/)
  const folder = join(parts, 'node_modules', name)
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json')))
  const target = exports?.[`.${rest}`]
  const file = target?.import?.default ?? target?.import ?? target?.default
  if (typeof file === 'string') return join(folder, file)
  return createRequire(join(parts, 'node_modules', 'x.js')).resolve(specifier)
}
