// Draws the DOT on standard input as SVG: `node diagram.mjs PARTS`, PARTS being where node_modules is.
import { readFileSync } from 'node:fs'
import { load } from '../stack/services/origin/parts.mjs'

const { instance } = await load(process.argv[2], '@viz-js/viz')
const viz = await instance()
process.stdout.write(viz.renderString(readFileSync(0, 'utf8'), { format: 'svg' }))
