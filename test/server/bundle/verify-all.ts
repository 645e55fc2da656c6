/*
 * Verifies bundles in a process of its own; prints what was found in each, and the most memory that it took (KiB).
 */
import { verifyBundle } from '../../../server/bundle/verify.ts'

const found: string[] = []
for (const path of process.argv.slice(2)) {
  const outcome = await verifyBundle(path).then(
    ({ findings }) => findings.map(({ name, why }) => `${name}: ${why}`).join('; '),
    (error: Error) => error.message,
  )
  found.push(outcome)
}
process.stdout.write(JSON.stringify({ found, peak: process.resourceUsage().maxRSS }))
