import type { Readings } from '../lib/look'
import { percent, show } from '../lib/text'
import { shade } from './shade'

/** The likeliest next character after each token, if the model stopped after this layer. */
export function Lens({ lens, tokens }: Pick<Readings, 'lens' | 'tokens'>) {
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
            {lens.map(({ next, shares }, layer) => (
              <tr key={layer}>
                <th scope="row">{layer}</th>
                {next.map((char, i) => (
                  <td key={i} style={shade(shares[i])}>
                    {show(char)}
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
