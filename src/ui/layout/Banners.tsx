import { Button } from '@mantine/core'
import { Link } from 'wouter'
import { formatBytes, formatSeconds, formatWhen } from '../format'
import { hrefs } from '../navigation/hrefs'
import { useStorage } from '../queries/storage'
import { usePageState } from '../stores/pageEvents'
import { leaveRecording, useGpu, useRecording, useStudioState } from '../stores/studio'
import { restartWorker, useWorkerState } from '../stores/workerWatch'
import classes from './frame.module.css'

/** What one should know before trusting the screen: recorded data, no connection, little space, a tab that slept. */
export function Banners() {
  const recording = useRecording()
  const gpu = useGpu()
  const live = useStudioState((state) => state.live)
  const { online, frozen } = usePageState()
  const silentSeconds = useWorkerState((state) => state.silentSeconds)
  const storage = useStorage()
  const { usage, quota } = storage.data ?? { usage: null, quota: null }
  const almostFull = usage !== null && quota !== null && quota > 0 && usage / quota > 0.9
  return (
    <div role="region" aria-label="Notices">
      {recording && (
        <div className={classes.banner} data-testid="recorded-banner">
          <span>
            Recorded run: {recording.adapterName}, {formatWhen(recording.recordedAt)}
            {recording.verified ? '' : ' · file not checked against a hash'}. Labels you give here last as long as this tab.
          </span>
          {live && gpu?.state === 'ready' && (
            <Button size="compact-xs" onClick={leaveRecording}>
              Back to this computer
            </Button>
          )}
        </div>
      )}
      {silentSeconds !== null && (
        <div className={classes.banner} role="alert" data-testid="silent-worker">
          <span>
            The studio has not answered for {formatSeconds(silentSeconds)}. It may be busy with a long computation, or held up by a file it
            was given. Restarting loses nothing that is stored; a run at work can be resumed from its last checkpoint.
          </span>
          <Button
            size="compact-xs"
            onClick={() => {
              void restartWorker()
            }}
          >
            Restart the studio
          </Button>
        </div>
      )}
      {!online && (
        <div className={`${classes.banner ?? ''} ${classes.bannerQuiet ?? ''}`}>
          You are offline. Training, labelling and everything stored here go on working.
        </div>
      )}
      {almostFull && (
        <div className={classes.banner}>
          <span>
            Storage is nearly full: {formatBytes(usage)} of {formatBytes(quota)}. A checkpoint may not fit.
          </span>
          <Button size="compact-xs" component={Link} href={hrefs.settings({ tab: 'storage' })}>
            Free some
          </Button>
        </div>
      )}
      {frozen && (
        <div className={`${classes.banner ?? ''} ${classes.bannerQuiet ?? ''}`}>
          <span>
            The browser froze this tab at {formatWhen(frozen.at)} for {formatSeconds(frozen.ms / 1000)}. Nothing was lost.
          </span>
          <Button
            size="compact-xs"
            onClick={() => {
              usePageState.setState({ frozen: null })
            }}
          >
            Dismiss
          </Button>
        </div>
      )}
    </div>
  )
}
