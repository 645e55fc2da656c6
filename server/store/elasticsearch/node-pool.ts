import { BaseConnectionPool } from '@elastic/elasticsearch'

type Connection = BaseConnectionPool['connections'][number]
type Choice = Parameters<BaseConnectionPool['getConnection']>[0]

/** A node that failed is left alone for so long, after each failure in a row for twice as long. */
const FIRST_MS = 500
const MAX_MS = 30_000

/**
 * Chooses the node for each request, in turn. The client's own pools leave a node alone for a minute and more, or find none
 * for minutes after all were away: a cluster that was restarted as a whole was not written to again.
 */
export class NodePool extends BaseConnectionPool {
  #last = 0

  override markDead(connection: Connection): this {
    const pauseMs = Math.min(FIRST_MS * 2 ** Math.min(connection.deadCount, 10), MAX_MS)
    connection.deadCount++
    connection.resurrectTimeout = Date.now() + pauseMs
    return this
  }

  override markAlive(connection: Connection): this {
    connection.deadCount = 0
    connection.resurrectTimeout = 0
    return this
  }

  /** The next node that did not fail just now; when all did, the one whose turn comes first. */
  override getConnection({ filter = () => true, now = Date.now() }: Choice): Connection | null {
    let earliest: Connection | null = null
    for (let step = 1; step <= this.size; step++) {
      const place = (this.#last + step) % this.size
      const connection = this.connections[place]
      if (connection === undefined || !filter(connection)) continue
      if (connection.resurrectTimeout <= now) {
        this.#last = place
        return connection
      }
      if (earliest === null || connection.resurrectTimeout < earliest.resurrectTimeout) earliest = connection
    }
    return earliest
  }
}
