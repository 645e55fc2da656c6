// Injects one fault after another and holds the stored lines against the printed ones. Usage: run.ts [--long] [--seed N] [--only A1,N4]
import { parseArgs } from 'node:util'
import { MATRIX } from './matrix.ts'
import { inject } from './rig/drive.ts'
import { withStage } from './rig/stage.ts'
import { tableHead, tableRow } from './rig/table.ts'

const { values } = parseArgs({
  options: { long: { type: 'boolean', default: false }, seed: { type: 'string' }, only: { type: 'string' } },
})
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
const only = values.only?.split(',')
const faults = MATRIX.filter(({ name }) => only?.includes(name) ?? true)
if (faults.length === 0)
  throw new Error(`cannot inject ${values.only}: known are ${MATRIX.map(({ name }) => name).join(', ')}`)

process.stdout.write(`seed ${seed}\n\n${tableHead()}\n`)
const problems = await withStage(seed, values.long, async (stage) => {
  const found: string[] = []
  for (const fault of faults) {
    const outcome = await inject(fault, stage)
    process.stdout.write(`${tableRow(outcome)}\n`)
    if (outcome.problem !== '') found.push(`${fault.name}: ${outcome.problem}`)
  }
  return found
})
for (const problem of problems) process.stderr.write(`${problem}\n`)
if (problems.length > 0) process.exitCode = 1
