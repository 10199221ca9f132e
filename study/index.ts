/** Studies of language models: `onnsight/study`. */
export { AblatedParts, type AblateOptions, type Ablation, ablate } from './ablate.ts'
export { AttentionScores, type AttentionScoresOptions, attentionScores, type HeadKind } from './attention-scores.ts'
export { Attributions } from './attribution/attributions.ts'
export { gradientTimesInput, saliency } from './attribution/gradients.ts'
export { type IntegratedGradientsOptions, integratedGradients } from './attribution/integrated-gradients.ts'
export { type SmoothGradOptions, smoothGrad } from './attribution/smooth-grad.ts'
export type { AttributedOptions, AttributedPlace } from './attribution/subject.ts'
export { AttributedPatches, type AttributionPatchingOptions, attributionPatching } from './attribution-patching.ts'
export { type AttributionOptions, directLogitAttribution, LogitAttribution } from './direct-logit-attribution.ts'
export {
  type AttributedEdge,
  AttributedEdges,
  type EdgeAttributionOptions,
  edgeAttribution,
} from './edge-attribution.ts'
export { LinearProbe, linearProbe, type ProbeOptions } from './linear-probe.ts'
export { type LensPrediction, LogitLens, type LogitLensOptions, logitLens } from './logit-lens.ts'
export { MediationEffects, type MediationOptions, mediationEffects } from './mediation.ts'
export {
  type Answers,
  divergence,
  type LossOptions,
  logitDifference,
  logProbability,
  loss,
  type Metric,
  type MetricContext,
  type MetricOptions,
  probability,
  score,
} from './metrics.ts'
export type { AutoencoderConfig, AutoencoderPart, Normalisation, SaeConfigSource } from './model/autoencoder-files.ts'
export type { ReadAt } from './model/prompt-states.ts'
export type { Answer, Vocabulary } from './model/studied-model.ts'
export type { TensorsSource } from './model/tensors-file.ts'
export { type OptimizeOptions, optimize, type StepOfOptimizer } from './optimize/optimize.ts'
export { type EndReason, Optimized } from './optimize/optimized.ts'
export {
  type AdamOptions,
  adam,
  adamw,
  type Optimizer,
  type SgdOptions,
  type Slots,
  sgd,
} from './optimize/optimizers.ts'
export { cosine, linear, type Schedule, warmup } from './optimize/schedules.ts'
export { PatchedActivations, type PatchOptions, patchActivations } from './patch-activations.ts'
export { PatchedPaths, type PathPatchOptions, pathPatching, type Receiver } from './path-patching.ts'
export type { Chart } from './pictures/chart.ts'
export { Plot } from './pictures/plot.ts'
export type { LabelledAxis } from './results/axes.ts'
export { Features } from './results/features.ts'
export { StudyResult } from './results/result.ts'
export type { Table } from './results/table.ts'
export { type AutoencoderOptions, type FeaturesOptions, SparseAutoencoder } from './sparse-autoencoder.ts'
export { type SteeringOptions, SteeringVector, steeringVector } from './steering.ts'
export { SteeringSweep, type SteeringSweepOptions, steeringSweep } from './steering-sweep.ts'
export { progressLine } from './sweeps/progress-line.ts'
export type { HeadPart, LayerPart, Part } from './sweeps/sites.ts'
export type { OnProgress, SweepOptions } from './sweeps/sweep.ts'
export type { SweepLog, SweepSource } from './sweeps/sweep-log.ts'
export { loadTunedLens, TunedLens } from './tuned-lens.ts'
