import { describe, expect, it } from 'vitest'
import type { Store } from '../../../../server/store/store.ts'
import { type Gap, nodeStream } from '../../../../shared/gap.ts'
import { API, gapOf, NOON, SECOND, type StoreUnderTest, WEB } from '../records.ts'

/** Gaps of all of a node, which begin at the same time. */
const ofNodes = ['node1', 'node2'].map((nodeId) =>
  gapOf(nodeStream({ cluster: '', nodeId, nodeName: 'twin' }), { reason: 'state' }),
)

/** What a store does with gaps. */
export function gapsContract(under: () => StoreUnderTest): void {
  const store = (): Store => under().store

  describe('gaps', () => {
    it('are kept, in the order of where they begin', async () => {
      expect(await store().gaps()).toEqual([])
      const later = gapOf(WEB, { from: NOON + 5n, atMost: 9 })
      const gaps = [later, gapOf(API), gapOf(WEB), gapOf(WEB, { reason: 'lossy' }), ...ofNodes]
      await store().appendGaps(gaps)
      await store().appendGaps([])
      const found = await store().gaps()
      expect(found).toHaveLength(6)
      expect(found).toEqual(expect.arrayContaining(gaps))
      expect(found.at(-1)).toEqual(later)
      await under().reopen()
      expect(await store().gaps()).toEqual(found)
    })

    it('are replaced by what is told of them anew', async () => {
      await store().appendGaps([gapOf(WEB), gapOf(WEB, { to: NOON + 2n })])
      await store().appendGaps([gapOf(WEB, { to: NOON + SECOND, atLeast: 7, atMost: 8 })])
      const expected = [gapOf(WEB, { to: NOON + SECOND, atLeast: 7, atMost: 8 })]
      expect(await store().gaps()).toEqual(expected)
      await under().reopen()
      expect(await store().gaps()).toEqual(expected)
    })

    it.each<[string, { since?: bigint; until?: bigint }, boolean]>([
      ['begins with its last moment', { since: NOON + SECOND }, true],
      ['begins behind it', { since: NOON + SECOND + 1n }, false],
      ['ends with its first moment', { until: NOON + 1n }, true],
      ['ends before it', { until: NOON }, false],
      ['lies within it', { since: NOON + 1n, until: NOON + 2n }, true],
    ])('are found where the range %s: %o', async (_, range, isFound) => {
      const gap: Gap = gapOf(WEB)
      await store().appendGaps([gap])
      expect(await store().gaps(range)).toEqual(isFound ? [gap] : [])
    })
  })
}
