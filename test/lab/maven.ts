import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ensurePackages, which } from './install.ts'
import { run } from './run.ts'
import { step } from './step.ts'

/** The programs that Java servers and their download need, by the Debian package that brings them. */
const needs = { java: 'default-jre-headless', mvn: 'maven' }

/** What Maven Central has: what a person calls it, and its coordinates, GROUP:NAME:VERSION:TYPE[:CLASSIFIER]. */
export interface Artifact {
  readonly title: string
  readonly coordinates: string
}

/** Installs Java, Maven and further programs when missing and downloads a file once, then keeps it in the user's cache; answers its path. */
export async function ensureArtifact(
  { title, coordinates }: Artifact,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const missing = Object.entries({ ...needs, ...more }).filter(([program]) => which(program) === undefined)
  await ensurePackages(missing.map(([, debian]) => debian))
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'swarmlogs')
  const [, name, version, type] = coordinates.split(':')
  const file = join(cache, `${name}-${version}.${type}`)
  if (!existsSync(file)) await step(`downloading ${title}`, () => download(coordinates, file))
  return file
}

/** Two that do this at once each download into a folder of their own; whichever renames last wins, and both files are whole. */
async function download(coordinates: string, file: string): Promise<void> {
  const draft = `${file}.${process.pid}`
  try {
    mkdirSync(draft, { recursive: true })
    const args = ['-q', '-B', 'dependency:copy', `-DoutputDirectory=${draft}`, `-Dartifact=${coordinates}`]
    await run('mvn', args, { cwd: draft, timeoutMs: 900_000 })
    const [name = ''] = readdirSync(draft)
    renameSync(join(draft, name), file)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}
