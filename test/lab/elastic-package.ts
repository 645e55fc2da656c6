import { existsSync, mkdirSync, realpathSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { ensurePackages, which } from './install.ts'
import { run } from './run.ts'
import { step } from './step.ts'

/** The Elasticsearch release that the tests run against. */
export const ELASTIC_VERSION = '8.19.21'

// The release's own minimal build (core and security), which Maven Central has; the full one is not published there.
const artifact = `org.elasticsearch.distribution.integ-test-zip:elasticsearch:${ELASTIC_VERSION}:zip`

/** The programs that Elasticsearch and its download need, by the Debian package that brings them. */
const needs = {
  java: 'default-jre-headless',
  javac: 'default-jdk-headless',
  mvn: 'maven',
  unzip: 'unzip',
  openssl: 'openssl',
  setpriv: 'util-linux',
}

let downloading: Promise<string> | undefined

/** Installs Java and Maven when missing and downloads Elasticsearch once, then keeps it in the user's cache; answers the zip file. */
export async function ensureElastic(): Promise<string> {
  downloading ??= fetchZip()
  return downloading
}

/** Unpacks Elasticsearch into a folder and answers its home. */
export async function unpackElastic(dir: string): Promise<string> {
  await run('unzip', ['-q', await ensureElastic(), '-d', dir])
  return join(dir, `elasticsearch-${ELASTIC_VERSION}`)
}

/** What ES_JAVA_HOME must be. */
export function javaHome(): string {
  return process.env.ES_JAVA_HOME ?? dirname(dirname(realpathSync(which('java') ?? 'java')))
}

async function fetchZip(): Promise<string> {
  const missing = Object.entries(needs).filter(([program]) => which(program) === undefined)
  await ensurePackages(missing.map(([, debian]) => debian))
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'swarmlogs')
  const zip = join(cache, `elasticsearch-${ELASTIC_VERSION}.zip`)
  if (!existsSync(zip)) await step(`downloading Elasticsearch ${ELASTIC_VERSION}`, () => download(zip))
  return zip
}

/** Two that do this at once each download into a folder of their own; whichever renames last wins, and both files are whole. */
async function download(zip: string): Promise<void> {
  const draft = `${zip}.${process.pid}`
  try {
    mkdirSync(draft, { recursive: true })
    const args = ['-q', '-B', 'dependency:copy', `-DoutputDirectory=${draft}`, `-Dartifact=${artifact}`]
    await run('mvn', args, { cwd: draft, timeoutMs: 900_000 })
    renameSync(join(draft, `elasticsearch-${ELASTIC_VERSION}.zip`), zip)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}
