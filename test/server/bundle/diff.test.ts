import { expect, it } from 'vitest'
import { diffLines } from '../../../server/bundle/diff.ts'
import type { StoredRecord } from '../../../shared/record.ts'
import { recordOf, WEB } from '../store/records.ts'

async function* lines(...messages: readonly string[]): AsyncGenerator<readonly StoredRecord[]> {
  for (const message of messages) yield [{ ...recordOf(WEB, { message }), received: 1n }]
}

it('says of which side there may be more lines than it looked at', async () => {
  const [few, many] = [['one'], ['one', 'two', 'three']]
  expect((await diffLines(lines(...few), lines(...many), 3)).isCut).toEqual([false, true])
  expect((await diffLines(lines(...many), lines(...few), 3)).isCut).toEqual([true, false])
  expect((await diffLines(lines(...many), lines(...many), 4)).isCut).toEqual([false, false])
})
