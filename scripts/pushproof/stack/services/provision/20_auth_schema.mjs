// Prints the SQL of Auth's tables: `node 20_auth_schema.mjs PARTS`, PARTS being where node_modules is.
// The library's own ensureSystemSchema() swallows the errors of this SQL; run as a script it cannot hide them.
import { load } from '../origin/parts.mjs'

const { getAuthSchemaSql } = await load(process.argv[2], '@supabase/lite')
process.stdout.write(getAuthSchemaSql())
