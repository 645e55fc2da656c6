import { afterAll, expect, it } from 'vitest'
import { MATRIX } from './matrix.ts'
import { type Fault, inject, type Outcome } from './rig/drive.ts'
import { type OpenStage, openStage } from './rig/stage.ts'
import { tableHead, tableRow } from './rig/table.ts'

// The short form: what takes a minute, or is proved by other tests too, is left to `npm run faults -- --long`.
const SHORT = MATRIX.filter(({ isShort }) => isShort)
/** To replay a run: SWARMLOGS_SEED=N. */
const SEED = Number(process.env.SWARMLOGS_SEED ?? Math.floor(Math.random() * 2 ** 31))
const TIMEOUT_MS = 240_000

/** An engine for each fault that is done beside others; those on which nothing is done now. */
const stages: OpenStage[] = []
const free: OpenStage[] = []
const outcomes: Outcome[] = []
afterAll(async () => {
  await Promise.all(stages.map((stage) => stage.close()))
  const left = MATRIX.filter(({ isShort }) => !isShort).map(({ name }) => name)
  const table = [tableHead(), ...outcomes.map(tableRow)].join('\n')
  process.stdout.write(`${table}\nseed ${SEED}; left to the long form: ${left.join(', ')}\n`)
})

async function play(fault: Fault): Promise<void> {
  const stage = free.pop() ?? (await openStage(SEED, false))
  if (!stages.includes(stage)) stages.push(stage)
  const outcome = await inject(fault, stage)
  free.push(stage)
  outcomes.push(outcome)
  expect(outcome.problem, `seed ${SEED}`).toBe('')
}

const rows = (isAlone: boolean) =>
  SHORT.filter((fault) => (fault.isAlone === true) === isAlone).map(
    (fault) => [fault.name, fault.title, fault] as const,
  )

// Most of its time a fault waits: as many as maxConcurrency says are done at once, each to an engine, an agent and a server of its own.
it.concurrent.each(rows(false))('%s: %s', { timeout: TIMEOUT_MS }, (...row) => play(row[2]))
it.each(rows(true))('%s: %s', { timeout: TIMEOUT_MS }, (...row) => play(row[2]))
