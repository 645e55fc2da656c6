import { afterAll, beforeAll, expect, it } from 'vitest'
import { MATRIX } from './matrix.ts'
import { inject, type Outcome } from './rig/drive.ts'
import { type OpenStage, openStage } from './rig/stage.ts'
import { tableHead, tableRow } from './rig/table.ts'

// The short form: what takes a minute, or is proved by other tests too, is left to `npm run faults -- --long`.
const SHORT = MATRIX.filter(({ isShort }) => isShort)
/** To replay a run: SWARMLOGS_SEED=N. */
const SEED = Number(process.env.SWARMLOGS_SEED ?? Math.floor(Math.random() * 2 ** 31))

let stage: OpenStage
const outcomes: Outcome[] = []
beforeAll(async () => {
  stage = await openStage(SEED, false)
})
afterAll(async () => {
  await stage?.close()
  const left = MATRIX.filter(({ isShort }) => !isShort).map(({ name }) => name)
  const table = [tableHead(), ...outcomes.map(tableRow)].join('\n')
  process.stdout.write(`${table}\nseed ${SEED}; left to the long form: ${left.join(', ')}\n`)
})

it.each(SHORT.map((fault) => [fault.name, fault.title, fault] as const))(
  '%s: %s',
  { timeout: 180_000 },
  async (...row) => {
    const outcome = await inject(row[2], stage)
    outcomes.push(outcome)
    expect(outcome.problem, `seed ${SEED}`).toBe('')
  },
)
