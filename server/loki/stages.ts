import { withoutColours } from '../parse/ansi.ts'
import type { Entry } from './entry.ts'
import { fieldsOf, parserOf } from './fields.ts'
import { compileLabelTest } from './label-test.ts'
import { isStreamLabel, labelName } from './labels.ts'
import { fill } from './logql/template.ts'
import type { LabelChange, LineTest, Stage } from './logql/tree.ts'
import { compileMatcher, searchRegex } from './matchers.ts'

/** What a stage does with a line; false: the line is not wanted. */
export type Step = (entry: Entry) => boolean

/** The stages of a query as one step. Throws a Problem (400) for regexes that are none. */
export function compileStages(stages: readonly Stage[]): Step {
  const steps = stages.map(compileStage)
  return (entry) => steps.every((step) => step(entry))
}

function compileStage(stage: Stage): Step {
  switch (stage.kind) {
    case 'line': {
      const test = compileLineTest(stage.test)
      return (entry) => test(entry.line)
    }
    case 'json':
    case 'logfmt':
      return parserStep(stage)
    case 'filter':
      return compileLabelTest(stage.test)
    case 'line_format':
      return always((entry) => {
        entry.line = fill(stage.template, (label) => entry.get(label))
      })
    case 'label_format':
      return always((entry) => {
        for (const change of stage.changes) format(entry, change)
      })
    case 'drop':
    case 'keep':
      return choiceStep(stage)
    case 'decolorize':
      return always((entry) => {
        entry.line = withoutColours(entry.line)
      })
  }
}

/** Whether a line passes. */
export function compileLineTest({ by, texts }: LineTest): (line: string) => boolean {
  const isRegex = by === '|~' || by === '!~'
  const tests = texts.map((text) => {
    return isRegex ? searchRegex(text) : (line: string) => line.includes(text)
  })
  if (by === '|=' || by === '|~') return (line) => tests.some((test) => test(line))
  return (line) => !tests.some((test) => test(line))
}

function always(act: (entry: Entry) => void): Step {
  return (entry) => {
    act(entry)
    return true
  }
}

function parserStep({ kind, only }: Extract<Stage, { kind: 'json' | 'logfmt' }>): Step {
  return always((entry) => {
    const { record } = entry
    const isOther = parserOf(record) !== kind
    if (kind === 'json' && (isOther || record.fields === '')) return entry.set('__error__', 'JSONParserErr')
    const fields = isOther ? new Map<string, string>() : fieldsOf(record)
    if (only.length === 0) for (const [name, value] of fields) extract(entry, labelName(name), value)
    for (const { label, path } of only) extract(entry, label, fields.get(path) ?? '')
  })
}

/** A label that the line had before stays; `level` is only what we found in the line, and can be found again by `detected_level`. */
function extract(entry: Entry, label: string, value: string): void {
  const isOurs = isStreamLabel(label) || label === 'source' || label === 'detected_level'
  const isTaken = isOurs && entry.get(label) !== ''
  entry.set(isTaken ? `${label}_extracted` : label, value)
}

function format(entry: Entry, { label, to }: LabelChange): void {
  if ('template' in to) {
    entry.set(
      label,
      fill(to.template, (name) => entry.get(name)),
    )
    return
  }
  const value = entry.get(to.rename)
  entry.drop(to.rename)
  entry.set(label, value)
}

function choiceStep({ kind, labels }: Extract<Stage, { kind: 'drop' | 'keep' }>): Step {
  const tests = labels.map(({ label, matcher }) => ({
    label,
    isMeant: matcher === undefined ? () => true : compileMatcher(matcher),
  }))
  if (kind === 'drop') {
    return always((entry) => {
      for (const { label, isMeant } of tests) if (isMeant(entry.get(label))) entry.drop(label)
    })
  }
  return always((entry) => {
    const kept = tests.filter(({ label, isMeant }) => isMeant(entry.get(label))).map(({ label }) => label)
    for (const name of [...entry.labels.keys()]) if (!kept.includes(name)) entry.drop(name)
  })
}
