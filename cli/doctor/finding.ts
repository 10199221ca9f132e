export type Status = 'ok' | 'warn' | 'fail'

/** The result of one check. */
export interface Finding {
  /** The name of the check, which never changes: `node`, `onnsight`, `onnxruntime-node`, … */
  readonly check: string
  readonly status: Status
  readonly message: string
  /** What the user should do, if anything. */
  readonly fix?: string
}

export const ok = (check: string, message: string): Finding => ({ check, status: 'ok', message })

export const warn = (check: string, message: string, fix: string): Finding => ({ check, status: 'warn', message, fix })

export const fail = (check: string, message: string, fix: string): Finding => ({ check, status: 'fail', message, fix })

/** Describes findings as text for people. */
export function describeFindings(findings: readonly Finding[]): string {
  return findings
    .map(({ status, message, fix }) => {
      const [first, ...more] = message.split('\n')
      const lines = [`${status.padEnd(5)} ${first}`, ...more.map(line => `      ${line}`)]
      return [...lines, ...(fix ? [`      Do this: ${fix}`] : [])].join('\n')
    })
    .join('\n')
}
