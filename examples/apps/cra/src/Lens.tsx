import type { Seen } from './look'
import { shade } from './shade'
import { percent, show } from './show'

interface LensProps extends Pick<Seen, 'lens'> {
  readonly tokens: readonly string[]
  readonly chars: readonly string[]
}

/** The likeliest next character after each token, if the model stopped after each layer. */
export function Lens({ lens, tokens, chars }: LensProps) {
  return (
    <section aria-labelledby="lens">
      <h2 id="lens">Logit lens</h2>
      <p className="about">
        What would come next after each token, if the model stopped after this layer; the last row is what it says.
      </p>
      <section className="scroll" tabIndex={0} aria-label="Logit lens, to be scrolled">
        <table className="lens" aria-labelledby="lens">
          <thead>
            <tr>
              <th scope="col">layer</th>
              {tokens.map((token, i) => (
                <th key={i} scope="col">
                  {show(token)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {lens.map(({ shares, ids }, layer) => (
              <tr key={layer}>
                <th scope="row">{layer}</th>
                {ids.map((id, i) => (
                  <td key={i} style={shade(shares[i])}>
                    {show(chars[id])}
                    <small>{percent(shares[i])}</small>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  )
}
