import type { ApiTaskChange } from '../shared/api/answers.ts'
import type { Flags } from '../shared/settings.ts'
import { colourConfig, pagerConfig } from './config.ts'
import { readMatching } from './output/matching.ts'
import { MissingNotes } from './output/missing.ts'
import { type Look, openPrinter } from './output/printer.ts'
import { taskNote } from './output/task-note.ts'
import type { Output } from './print.ts'
import type { Question } from './question.ts'

const EXIT_EMPTY = 4

/** Opens what a question's answer is shown by, as the flags want it. Throws SWARMLOGS_USAGE. */
export async function openOutput(flags: Flags, question: Question, follow: boolean): Promise<Output> {
  const colours = colourConfig(flags)
  const notes = new MissingNotes(flags.strict === true, colours)
  const matching = await readMatching(question)
  // A zone that is none should be said before anything is asked.
  if (question.zone !== undefined) (await import('../shared/zone.ts')).offsetMs(0, question.zone)
  const pager = flags.pager === true && !follow && process.stdout.isTTY ? await startPager() : undefined
  const stage = await stageOf(question, { matching, notes })
  const isZoned = question.zone !== undefined
  const printer = await openPrinter({
    ...{ ...colours, hasPrefix: question.hasPrefix, hasTime: question.hasTime, isZoned, stage, pager: pager?.input },
    marks: matching?.marks,
  })
  const close = async () => {
    await printer.end()
    await pager?.end()
    if (flags.failIfEmpty === true && !printer.hasPrinted && !process.exitCode) process.exitCode = EXIT_EMPTY
  }
  return { printer, notes, matching, close, ...(flags.notes !== false && { onTask: taskChanged }) }
}

function taskChanged({ change, service, slot, task, container, node }: ApiTaskChange): void {
  taskNote(change, { service, slot, taskId: task, containerName: container, nodeName: node })
}

async function startPager() {
  const { openPager } = await import('./pager.ts')
  return openPager(pagerConfig())
}

/** What lines go through on their way; undefined: nothing, their bytes stay as they are. */
async function stageOf(
  { form, output, zone, around, hasPrefix, hasTime }: Question,
  { matching, notes }: Pick<Output, 'matching' | 'notes'>,
): Promise<Look['stage']> {
  const isChoosing = matching?.isChoosing === true
  if (form === 'json') {
    if (output === 'json' && !isChoosing) return undefined
    const [{ RecordStage }, { recordForm }] = await Promise.all([
      import('./output/record-stage.ts'),
      import('./output/forms.ts'),
    ])
    const told = output === 'json' ? undefined : notes
    const options = { form: recordForm(output), matching: isChoosing ? matching : undefined, around, zone, notes: told }
    return (source) => (source === 'stdout' ? new RecordStage(options) : undefined)
  }
  if (!isChoosing && (zone === undefined || !hasTime)) return undefined
  const { LineStage } = await import('./output/line-stage.ts')
  return () => new LineStage({ matching: isChoosing ? matching : undefined, around, zone, hasPrefix, hasTime })
}
