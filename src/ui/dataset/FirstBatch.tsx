import { Group, Text } from '@mantine/core'
import { useMemo, useState } from 'react'
import type { TokenPreview } from '../../worker/protocol'
import { counted, formatCount, formatShare } from '../format'
import { useTokenPreviews } from '../queries/trajectories'
import { VisibleText } from '../trajectory/VisibleText'
import { Loading } from '../widgets/Panel'
import { ErrorPanel } from '../widgets/ProblemList'
import { NumberField } from '../widgets/NumberField'
import { Term } from '../widgets/Term'
import classes from './dataset.module.css'
import { batchSummary, tokenRuns, type Role } from './tokenRoles'

const ROLE_WORDS: readonly (readonly [Role, string])[] = [
  ['system', 'system'],
  ['user', 'user'],
  ['assistant', 'assistant'],
  ['tool', 'tool reply'],
  ['marker', 'frame'],
]
/** Tokens drawn of one sequence before it is asked for in full. */
const DRAWN = 1200
const USUAL_LIMITS = { maxContextLen: 4096, maxResponseLen: 1024 }
const TOKEN_LIMIT = { minimum: 16, maximum: 131_072, isWhole: true }

interface FirstBatchProps {
  readonly trajectoryIds: readonly string[]
}

/** The first rows as the model will see them: its own tokens, roles by colour, loss underlined, what was cut. */
export function FirstBatch({ trajectoryIds }: FirstBatchProps) {
  const [limits, setLimits] = useState(USUAL_LIMITS)
  const ids = trajectoryIds.slice(0, 4)
  const previews = useTokenPreviews(ids, limits)
  const summary = previews.data ? batchSummary(previews.data) : null
  return (
    <div className={classes.batch}>
      <Group gap={12} align="flex-end">
        <NumberField
          name="max_context_len"
          description="tokens kept of a prompt, the last ones"
          w={200}
          rule={TOKEN_LIMIT}
          value={limits.maxContextLen}
          fallback={USUAL_LIMITS.maxContextLen}
          onChange={(maxContextLen = USUAL_LIMITS.maxContextLen) => {
            setLimits({ ...limits, maxContextLen })
          }}
        />
        <NumberField
          name="max_response_len"
          description="tokens kept of a step, the first ones"
          w={200}
          rule={TOKEN_LIMIT}
          value={limits.maxResponseLen}
          fallback={USUAL_LIMITS.maxResponseLen}
          onChange={(maxResponseLen = USUAL_LIMITS.maxResponseLen) => {
            setLimits({ ...limits, maxResponseLen })
          }}
        />
        <div className={classes.legend}>
          {ROLE_WORDS.map(([role, words]) => (
            <span key={role} className={`${classes.swatch ?? ''} ${classes[role] ?? ''}`}>
              {words}
            </span>
          ))}
          <span className={`${classes.swatch ?? ''} ${classes.assistant ?? ''} ${classes.trained ?? ''}`}>
            <Term of="loss mask">carries loss</Term>
          </span>
        </div>
      </Group>
      {summary && (
        <Text size="xs" data-testid="batch-summary">
          {counted(ids.length, 'sequence')}, {counted(summary.tokens, 'token')}, {formatCount(summary.trained)} of them (
          {formatShare(summary.trained / Math.max(1, summary.tokens))}) carry loss.
          {summary.truncatedTokens > 0 &&
            ` ${counted(summary.truncatedTokens, 'token')} ${summary.truncatedTokens === 1 ? 'is' : 'are'} cut by the limits.`}
          {summary.notTrained.length > 0 &&
            ` ${summary.notTrained.length} ${summary.notTrained.length === 1 ? 'step is' : 'steps are'} not trained at all.`}
        </Text>
      )}
      {previews.error !== null && <ErrorPanel title="The batch could not be prepared." details={previews.error} />}
      {previews.isLoading && <Loading label="Preparing tokens" lines={6} />}
      {previews.data?.map((preview, index) => (
        <Sequence key={preview.trajectory_id} number={index + 1} preview={preview} />
      ))}
    </div>
  )
}

function Sequence({ number, preview }: { readonly number: number; readonly preview: TokenPreview }) {
  const [whole, setWhole] = useState(false)
  const runs = useMemo(() => tokenRuns(preview, whole ? Infinity : DRAWN), [preview, whole])
  const drawnSteps = new Set(preview.step)
  const missing = preview.notTrainedSteps.filter((step) => !drawnSteps.has(step))
  const trained = preview.mask.filter((bit) => bit === 1).length
  return (
    <section className={classes.sequence} aria-label={`Tokens of sequence ${number}`} data-testid="token-sequence">
      <div className={classes.sequenceHead}>
        <strong>Sequence {number}</strong>
        <VisibleText text={preview.trajectory_id} />
        <span>{counted(preview.ids.length, 'token')}</span>
        <span>{formatCount(trained)} with loss</span>
        {preview.truncatedSteps.length > 0 && <span>truncated: {preview.truncatedSteps.map((step) => `step ${step + 1}`).join(', ')}</span>}
      </div>
      <pre className={classes.sequenceBody} tabIndex={0} aria-label="Tokens">
        {preview.truncatedTokens > 0 && (
          <span className={classes.cut}>✂ {counted(preview.truncatedTokens, 'token')} cut here by the limits</span>
        )}
        {runs.map((run, index) => (
          <span key={index}>
            {run.step >= 0 && (
              <span className={`${classes.stepMark ?? ''} ${run.notTrained ? (classes.notTrained ?? '') : ''}`}>
                step {run.step + 1}
                {run.notTrained && ' · not trained'}
                {preview.truncatedSteps.includes(run.step) && ' · ✂ cut'}
              </span>
            )}
            {run.tokens.map((token) => (
              <span
                key={token.at}
                className={`${classes.token ?? ''} ${classes[token.role] ?? ''} ${token.trained ? (classes.trained ?? '') : ''}`}
                title={`id ${preview.ids[token.at] ?? ''} · ${token.role}${token.trained ? ' · carries loss' : ''}`}
              >
                <VisibleText text={token.text} />
              </span>
            ))}
          </span>
        ))}
        {missing.map((step) => (
          <span key={step} className={`${classes.stepMark ?? ''} ${classes.notTrained ?? ''}`}>
            step {step + 1} · not trained: no token of it is left
          </span>
        ))}
      </pre>
      {preview.ids.length > DRAWN && !whole && (
        <div className={classes.sequenceHead} style={{ borderBottom: 0, borderTop: '1px solid var(--hone-line)' }}>
          <button
            type="button"
            className={classes.more}
            onClick={() => {
              setWhole(true)
            }}
          >
            Show all {counted(preview.ids.length, 'token')}
          </button>
        </div>
      )}
    </section>
  )
}
