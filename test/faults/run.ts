// Injects one fault after another and holds the stored lines against the printed ones.
// Usage: run.ts [--long] [--seed N] [--only A1,N4] [--soak MINUTES]
import { parseArgs } from 'node:util'
import { soak } from './matrix/soak.ts'
import { MATRIX } from './matrix.ts'
import { type Fault, inject } from './rig/drive.ts'
import { openStage } from './rig/stage.ts'
import { tableHead, tableRow } from './rig/table.ts'

const { values } = parseArgs({
  options: {
    long: { type: 'boolean', default: false },
    seed: { type: 'string' },
    only: { type: 'string' },
    soak: { type: 'string' },
  },
})
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
const faults = chosen()

process.stdout.write(`seed ${seed}\n\n${tableHead()}\n`)
const stage = await openStage(seed, values.long)
try {
  for (const fault of faults) {
    const outcome = await inject(fault, stage)
    process.stdout.write(`${tableRow(outcome)}\n`)
    if (outcome.problem === '') continue
    process.stderr.write(`${fault.name}: ${outcome.problem}\n`)
    process.exitCode = 1
  }
} finally {
  await stage.close()
}

function chosen(): readonly Fault[] {
  if (values.soak !== undefined) return [soak(Number(values.soak))]
  const names = values.only?.split(',')
  const found = MATRIX.filter(({ name }) => names?.includes(name) ?? true)
  if (found.length > 0) return found
  throw new Error(`cannot inject ${values.only}: known are ${MATRIX.map(({ name }) => name).join(', ')}`)
}
