import { Annotations } from '../annotations.ts'
import { OwnCommits } from '../commits.ts'
import { Completeness, type CompletenessOptions } from '../completeness.ts'
import { type Context, TIMING } from '../context.ts'
import { GapFeed } from '../gap-feed.ts'
import { Ingestor } from '../ingestor.ts'
import { Inventories } from '../inventories.ts'
import { Live } from '../live.ts'
import { Metrics } from '../metrics.ts'
import { Slots } from '../slots.ts'
import { Turns } from '../turns.ts'
import type { OpenBundle } from './open.ts'

/** Nobody else asks. */
const MAX_STREAMED = 64
/** Whoever looks at a bundle waits for the whole answer. */
const QUERY_MS = 600_000

/** Lines of a bundle, and what was known when it was saved. */
export type KnownLines = Pick<OpenBundle, 'store' | 'knowledge'>

/** What the routes work with on the lines of a bundle: what was known when it was saved is known. @param now its clock. */
export async function bundleContext(
  bundle: KnownLines,
  { log, stopping, now }: Pick<Context, 'log' | 'stopping' | 'now'>,
): Promise<Context> {
  const { store, knowledge } = bundle
  const { version } = knowledge
  const [live, inventories, metrics] = [new Live(), new Inventories(store), new Metrics(version)]
  await inventories.load()
  const annotations = new Annotations(store)
  await annotations.load()
  const commits = new OwnCommits(store, live)
  const gapFeed = new GapFeed()
  const ingestor = new Ingestor({ store, commits, inventories, log, now })
  ingestor.heard(knowledge.seen.map(([node, at]) => [node, BigInt(at)] as const))
  const completeness = await RememberedCompleteness.open(bundle, {
    inventories,
    log,
    seen: (node) => ingestor.seen(node),
  })
  return {
    ...{ store, live, commits, inventories, annotations, completeness, ingestor, metrics, log, version, stopping },
    gapFeed,
    onNoted: (annotation) => gapFeed.publish([annotation]),
    now,
    slots: new Slots(MAX_STREAMED),
    eventTurns: new Turns(),
    timing: { ...TIMING, queryMs: QUERY_MS },
  }
}

/** Judges as the server did when the bundle was saved, whatever time is asked about. */
class RememberedCompleteness extends Completeness {
  static async open(
    { store, knowledge }: KnownLines,
    known: Pick<CompletenessOptions, 'inventories' | 'log' | 'seen'>,
  ): Promise<Completeness> {
    let now = BigInt(knowledge.time)
    const completeness = new RememberedCompleteness({
      ...known,
      store,
      visibleUpTo: () => store.lastReceived,
      now: () => now,
    })
    await completeness.load()
    for (const { cluster, node: nodeId, at } of knowledge.observers) {
      now = BigInt(at)
      completeness.observe({ cluster, nodeId, time: at, nodes: [], services: [], tasks: [], placements: [] })
    }
    now = BigInt(knowledge.time)
    return completeness
  }

  override view(): ReturnType<Completeness['view']> {
    const judge = super.view()
    return (asked) => judge(asked)
  }
}
