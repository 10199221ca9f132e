import { type Command, InvalidArgumentError } from 'commander'
import { addLoadOptions, count, loadOptionsOf } from '../shared/load-options.ts'
import type { ServeFlags } from './flags.ts'

export function addServe(program: Command): void {
  const command = program
    .command('serve')
    .description('serve models over HTTP: intervention graphs for many users, and generation in OpenAI’s form')
    .argument(
      '<models...>',
      '.onnx files, folders with a model and its tokenizer, or models of the hub; NAME=PATH names one',
    )
    .option('--port <number>', 'the port to listen on', port, 8000)
    .option('--host <address>', 'the address to listen on; 0.0.0.0 for all', '127.0.0.1')
    .option(
      '--tokens <file>',
      'a JSON file with users by token: {"TOKEN": "ada", "OTHER": {"name": "ben", "quotas": {"requests": 100}}}',
    )
    .option('--oidc-issuer <url>', 'also take tokens of this issuer of OpenID Connect')
    .option('--oidc-audience <name>', 'the audience that its tokens must name')
    .option('--deny <pattern>', 'modules that nobody may read or write: transformer.h.0.*; repeat it', collect)
    .option('--allow-weights', 'let users read weights')
    .option('--redis <url>', 'a Redis that several servers share: they count quotas together, and know who waits')
    .option('--max-batch <count>', 'the most requests that share a run (default: 32)', count)
    .option('--memory <megabytes>', 'the most memory of a model’s process', count)
    .option('--timeout <seconds>', 'the longest run (default: 30)', count)
    .option('--audit <file>', 'note each request in this file: who, what, when, how long, nothing of its content')
    .option('--no-log', 'write no log to standard error')
  addLoadOptions(command)
    .addHelpText(
      'after',
      `
The server speaks plain HTTP: put a proxy with TLS in front. SIGTERM and Ctrl-C let it answer what it has, and end it.

Examples:
  onnsight serve chars.onnx
  onnsight serve gpt2-onnx small=models/small.onnx --port 8080 --host 0.0.0.0 --tokens tokens.json
  curl localhost:8000/v1/completions -H 'content-type: application/json' -d '{"prompt": "Once", "max_tokens": 20}'`,
    )
    .action(async (models: readonly string[], flags: ServeFlags) => {
      const { runServe } = await import('./run.ts')
      await runServe(models, flags, loadOptionsOf(flags))
    })
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

function port(text: string): number {
  const value = Number(text)
  if (!/^\d{1,5}$/.test(text) || value > 65535) throw new InvalidArgumentError('Pass a whole number up to 65535.')
  return value
}
