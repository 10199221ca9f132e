import type { Readings } from './look'
import { shade } from './shade'
import { percent, show } from './show'

interface LensProps extends Pick<Readings, 'lens'> {
  readonly tokens: readonly string[]
  readonly chars: readonly string[]
}

/** The likeliest next character after each token, if the model stopped after this layer. */
export function Lens({ lens, tokens, chars }: LensProps) {
  return (
    <section aria-labelledby="lens">
      <h2 id="lens">Logit lens</h2>
      <p className="about">
        The likeliest next character after each token, if the model stopped after this layer. The last row is the
        model’s own prediction.
      </p>
      <section className="scroll" tabIndex={0} aria-label="Logit lens, scrollable">
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
