import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cruise, type ICruiseResult } from 'dependency-cruiser'
import { describe, expect, it } from 'vitest'
import { rules } from './rules.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PARTS = ['agent', 'server', 'cli', 'shared']

async function check(folders: readonly string[]): Promise<ICruiseResult> {
  const options = {
    ruleSet: { forbidden: rules },
    validate: true,
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    parser: 'swc' as const,
    baseDir: ROOT,
  }
  const { output } = await cruise([...folders], options)
  if (typeof output === 'string') throw new Error(`cannot read the checker's answer: ${output}`)
  return output
}

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => join(folder, name))
}

describe('the import rules of ARCHITECTURE.md', () => {
  it('hold, and the checker read every source file', async () => {
    const { modules, summary } = await check(PARTS)
    const read = new Set(modules.map((module) => module.source))
    expect(PARTS.flatMap(sources).filter((file) => !read.has(file))).toEqual([])
    expect(
      modules.filter((module) => module.source.startsWith('agent/') && module.dependencies.length > 0),
    ).not.toEqual([])
    expect(summary.violations.map(({ from, to, rule }) => `${rule.name}: ${from} -> ${to}`)).toEqual([])
  })

  it('are broken by a planted violation', async () => {
    const folder = join(ROOT, 'shared', 'planted')
    mkdirSync(folder)
    try {
      writeFileSync(join(folder, 'bad.ts'), "export type { Ingest } from '../../server/ingest.ts'\n")
      const { summary } = await check(['shared/planted'])
      expect(summary.violations.map(({ rule }) => rule.name)).toContain('shared-imports-nothing-of-ours')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('let only the config files read the environment', () => {
    const reading = PARTS.flatMap(sources).filter((file) =>
      /\bprocess\.env\b/.test(readFileSync(join(ROOT, file), 'utf8')),
    )
    const allowed = ['agent/config.ts', 'server/config.ts', 'cli/config.ts']
    expect(reading.filter((file) => !allowed.includes(file))).toEqual([])
  })
})
