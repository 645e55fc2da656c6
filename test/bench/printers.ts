import type { Engine } from '../lab/engine.ts'

/** Runs a container that prints so many lines of about 130 bytes as fast as it can, waits for its end and answers its id. */
export async function chatty(engine: Engine, name: string, lines: number): Promise<string> {
  const text = `GET /api/v1/orders/%.0f HTTP/1.1 200 5123 "-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36" upstream=10.0.3.17 0.042`
  const id = await engine.docker([
    ...['run', '-d', '--name', name, '--network', 'none', 'lab/busybox:1'],
    ...['awk', `BEGIN { for (i = 0; i < ${lines}; i++) printf "${text.replaceAll('"', '\\"')}\\n", i }`],
  ])
  await engine.docker(['wait', name])
  return id.trim()
}
