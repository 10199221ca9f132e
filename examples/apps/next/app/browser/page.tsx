import { InBrowser } from '../../components/InBrowser'

export default function Page() {
  return (
    <>
      <p className="lead">The same model runs in this page, on onnxruntime-web: nothing that you type leaves it.</p>
      <InBrowser folder="/models" />
    </>
  )
}
