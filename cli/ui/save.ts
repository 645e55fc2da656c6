import { writeFile } from 'node:fs/promises'
import { type Line, wholeText } from './line.ts'

/** Writes lines to a new file, as JSON where its name ends so, else as text; gives what to say about it. */
export async function save(path: string, lines: readonly Line[]): Promise<string> {
  const isJson = /\.(json|jsonl|ndjson)$/.test(path)
  const texts = lines.map((line) => {
    const { kind, time, task, node, text, json } = line
    if (isJson) return kind === 'line' ? json : `{"${kind === 'gap' ? 'gap' : 'annotation'}":${json}}`
    return kind !== 'line' ? text : `${time} ${task}@${node} | ${wholeText(line)}`
  })
  try {
    // Nothing that is there is written over.
    await writeFile(path, texts.map((text) => `${text}\n`).join(''), { flag: 'wx' })
    return `wrote ${lines.length} lines to ${path}`
  } catch (error) {
    return `cannot write to ${path}: ${error instanceof Error ? error.message : error}; give another name`
  }
}
