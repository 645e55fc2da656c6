import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cruise, type ICruiseResult } from 'dependency-cruiser'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rules } from './rules.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PARTS = ['agent', 'server', 'cli', 'shared']

// Each rule with a file that breaks it, in a tree of its own: agent/main.ts and the like are there to be imported.
const VIOLATIONS: readonly (readonly [rule: string, file: string, text: string])[] = [
  ['agent-imports-shared-alone', 'agent/a.ts', "import '../server/main.ts'"],
  ['server-imports-shared-alone', 'server/b.ts', "import type { Agent } from '../agent/main.ts'"],
  ['cli-imports-shared-alone', 'cli/c.ts', "await import('../agent/main.ts')"],
  ['commands-start-the-others-lazily', 'cli/commands/up.ts', "import '../../server/main.ts'"],
  ['shared-imports-nothing-of-ours', 'shared/d.ts', "import '../cli/main.ts'"],
  ['sources-import-no-tests', 'cli/e.ts', "import '../test/main.ts'"],
  ['only-open-names-the-embedded-store', 'server/f.ts', "import './store/embedded/main.ts'"],
  ['only-open-names-the-elasticsearch-store', 'server/j.ts', "import './store/elasticsearch/main.ts'"],
  ['duckdb-stays-in-its-store', 'server/g.ts', "import '@duckdb/node-api'"],
  ['the-client-of-elasticsearch-stays-in-its-store', 'server/k.ts', "import '@elastic/elasticsearch'"],
  ['the-client-of-s3-stays-in-its-shelf', 'server/m.ts', "import '@aws-sdk/client-s3'"],
  ['dockerode-stays-with-discover-and-tail', 'agent/h.ts', "import 'dockerode'"],
]
const ALLOWED: readonly (readonly [file: string, text: string])[] = [
  ['cli/commands/server.ts', "await import('../../server/main.ts')"],
  ['cli/commands/doctor.ts', "await import('../../agent/main.ts')"],
  ['server/store/open.ts', "import './embedded/main.ts'"],
  ['server/store/elasticsearch/l.ts', "import '@elastic/elasticsearch'"],
  ['server/archive/s3/n.ts', "import '@aws-sdk/client-s3'"],
  ['agent/tail/i.ts', "import 'dockerode'"],
]

describe('the import rules of ARCHITECTURE.md', () => {
  it('hold, and the checker read every source file', async () => {
    const { modules, summary } = await check(ROOT)
    const read = new Set(modules.map((module) => module.source))
    expect(sources().filter((file) => !read.has(file))).toEqual([])
    expect(summary.violations.map(({ from, to, rule }) => `${rule.name}: ${from} -> ${to}`)).toEqual([])
  })

  it('let only the config files read the environment', () => {
    const reading = sources().filter((file) => /\bprocess\.env\b/.test(readFileSync(join(ROOT, file), 'utf8')))
    const allowed = ['agent/config.ts', 'server/config.ts', 'cli/config.ts']
    expect(reading.filter((file) => !allowed.includes(file))).toEqual([])
  })
})

describe('the checker', () => {
  let tree: string
  let found: ICruiseResult
  beforeAll(async () => {
    tree = mkdtempSync(join(tmpdir(), 'swarmlogs-house-'))
    symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'))
    for (const folder of [...PARTS, 'test', 'server/store/embedded', 'server/store/elasticsearch'])
      plant(tree, `${folder}/main.ts`, 'export type Agent = 1')
    for (const [, file, text] of VIOLATIONS) plant(tree, file, text)
    for (const [file, text] of ALLOWED) plant(tree, file, text)
    found = await check(tree)
  })
  afterAll(() => rmSync(tree, { recursive: true }))

  it.each(VIOLATIONS)('catches what breaks %s', (rule, file) => {
    expect(found.summary.violations.filter(({ from }) => from === file).map((one) => one.rule.name)).toContain(rule)
  })

  it('has a planted violation for every rule', () => {
    expect(new Set(VIOLATIONS.map(([rule]) => rule))).toEqual(new Set(rules.map(({ name }) => name)))
  })

  it.each(ALLOWED)('lets %s do what it is there for', (file) => {
    expect(found.modules.find(({ source }) => source === file)?.dependencies).not.toEqual([])
    expect(found.summary.violations.filter(({ from }) => from === file)).toEqual([])
  })
})

async function check(baseDir: string): Promise<ICruiseResult> {
  const { output } = await cruise(PARTS, {
    ruleSet: { forbidden: rules },
    validate: true,
    doNotFollow: { path: 'node_modules' },
    preserveSymlinks: true,
    tsPreCompilationDeps: true,
    // Without @swc/core the checker would read no TypeScript, and pass.
    parser: 'swc',
    baseDir,
  })
  if (typeof output === 'string') throw new Error(`cannot read the checker's answer: ${output}`)
  return output
}

/** Every source file, as a path from the root. */
function sources(): string[] {
  return PARTS.flatMap((part) =>
    readdirSync(join(ROOT, part), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.tsx?$/.test(name))
      .map((name) => join(part, name)),
  )
}

function plant(tree: string, file: string, text: string): void {
  mkdirSync(dirname(join(tree, file)), { recursive: true })
  writeFileSync(join(tree, file), `${text}\n`)
}
