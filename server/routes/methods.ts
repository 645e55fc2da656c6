import type { FastifyInstance } from 'fastify'
import { Problem } from '../problem.ts'

/** What is answered to a method that an address does not take. */
export interface WrongMethod {
  readonly problem: Problem
  /** Those that it takes, for the header. */
  readonly allow: string
}

/** Takes note of the routes that are added from now on, and tells what is wrong with a request that none of them takes: undefined when the address is not known. */
export function watchMethods(app: FastifyInstance): (method: string, url: string) => WrongMethod | undefined {
  const known = new Map<string, { readonly path: RegExp; readonly methods: Set<string> }>()
  app.addHook('onRoute', ({ url, method }) => {
    if (url.includes('*')) return
    const address = known.get(url) ?? { path: pathOf(url), methods: new Set<string>() }
    known.set(url, address)
    for (const one of [method].flat()) address.methods.add(one)
  })
  return (method, url) => {
    const path = url.split('?', 1)[0] ?? ''
    const methods = [...known.values()].flatMap((address) => (address.path.test(path) ? [...address.methods] : []))
    if (methods.length === 0) return undefined
    const allow = [...new Set(methods)].sort().join(', ')
    const message = `cannot ${method} ${path.slice(0, 200)}: use ${allow}; /docs tells what they do`
    return { allow, problem: new Problem('SWARMLOGS_USAGE', 405, { code: 'wrong_method', message }) }
  }
}

function pathOf(route: string): RegExp {
  const parts = route.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : part.replaceAll(/[^\w-]/g, '\\$&')))
  return new RegExp(`^${parts.join('/')}$`)
}
