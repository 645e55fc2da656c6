import { setTimeout as delay } from 'node:timers/promises'
import { type Access, call } from './elastic-call.ts'

/** Resolves when the nodes that run have found each other and every index can be read and written; throws after 2 minutes. */
export async function untilReady(access: Access, running: () => number): Promise<void> {
  const deadline = Date.now() + 120_000
  for (;;) {
    const said = await whatIsMissing(access, running())
    if (said === undefined) return
    if (Date.now() > deadline) throw new Error(`cannot form the Elasticsearch cluster in 120 s: ${said}`)
    await delay(200)
  }
}

async function whatIsMissing(access: Access, nodes: number): Promise<string | undefined> {
  const health = `/_cluster/health?wait_for_nodes=${nodes}&wait_for_status=yellow&wait_for_no_initializing_shards=true&timeout=2s`
  try {
    // The health is said before the state is recovered; everything else is refused until then.
    for (const path of [health, '/_cat/nodes']) {
      const { status, body } = await call(access, 'GET', path, {})
      if (status !== 200) return body
    }
    return undefined
  } catch (error) {
    return String(error)
  }
}
