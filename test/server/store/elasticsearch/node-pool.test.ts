import { UndiciConnection } from '@elastic/elasticsearch'
import { describe, expect, it } from 'vitest'
import { NodePool } from '../../../../server/store/elasticsearch/node-pool.ts'

const pool = (): NodePool => {
  const made = new NodePool({ Connection: UndiciConnection })
  made.addConnection(['http://a:1', 'http://b:1', 'http://c:1'])
  return made
}
const next = (from: NodePool, now = Date.now()): string =>
  from.getConnection({ now, requestId: 1, name: 'test', context: null })?.url.hostname ?? ''
const turn = (from: NodePool, now?: number): string[] => [next(from, now), next(from, now), next(from, now)].sort()
const of = (from: NodePool, name: string) => {
  const found = from.connections.find(({ url }) => url.hostname === name)
  if (found === undefined) throw new Error(`BUG: no node ${name}`)
  return found
}

describe('NodePool', () => {
  it('takes the nodes in turn', () => {
    expect(turn(pool())).toEqual(['a', 'b', 'c'])
  })

  it('leaves a node alone that failed, for longer each time, and takes it again when it answers', () => {
    const nodes = pool()
    nodes.markDead(of(nodes, 'b'))
    expect(turn(nodes)).not.toContain('b')
    expect(turn(nodes, Date.now() + 600)).toContain('b')
    nodes.markDead(of(nodes, 'b'))
    expect(turn(nodes, Date.now() + 600)).not.toContain('b')
    nodes.markAlive(of(nodes, 'b'))
    expect(turn(nodes)).toContain('b')
  })

  it('always has a node, however often all failed, and soon takes them in turn again', () => {
    const nodes = pool()
    for (let round = 0; round < 100; round++) {
      for (const name of ['a', 'b', 'c']) nodes.markDead(of(nodes, name))
      expect(next(nodes)).not.toBe('')
    }
    for (const name of ['a', 'b', 'c']) nodes.markAlive(of(nodes, name))
    expect(turn(nodes)).toEqual(['a', 'b', 'c'])
  })
})
