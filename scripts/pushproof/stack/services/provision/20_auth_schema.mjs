// Prints the SQL of Auth's tables: `node 20_auth_schema.mjs PARTS`, where PARTS is the folder of node_modules.
// The library's ensureSystemSchema() ignores errors of this SQL; the provisioning does not.
import { load } from '../origin/parts.mjs'

const { getAuthSchemaSql } = await load(process.argv[2], '@supabase/lite')
process.stdout.write(getAuthSchemaSql())
