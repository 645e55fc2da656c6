import { afterEach, beforeEach, describe } from 'vitest'
import { appendingContract } from './contract/appending.ts'
import { contentContract } from './contract/content.ts'
import { countingContract } from './contract/counting.ts'
import { foreignContract } from './contract/foreign.ts'
import { gapsContract } from './contract/gaps.ts'
import { lifeContract } from './contract/life.ts'
import { queryingContract } from './contract/querying.ts'
import { searchingContract } from './contract/searching.ts'
import type { StoreUnderTest } from './records.ts'

export type { StoreUnderTest } from './records.ts'

/** The tests that every store must pass. */
export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name}: store contract`, () => {
    let opened: StoreUnderTest
    beforeEach(async () => {
      opened = await open()
    })
    afterEach(async () => {
      await opened.destroy()
    })
    const under = (): StoreUnderTest => opened
    appendingContract(under)
    foreignContract(under)
    searchingContract(under)
    queryingContract(under)
    countingContract(under)
    contentContract(under)
    gapsContract(under)
    lifeContract(under)
  })
}
