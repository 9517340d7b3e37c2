/** `studio.labels`: opinions on steps, the rewards they resolve to, and what these do to the advantages. */
import type { LabelsApi } from '../../worker/studioApi'
import type { Labels } from './labels'
import type { Previews } from './preview'

export const createLabelsApi = (labels: Labels, previews: Previews): LabelsApi => ({
  get: (id) => labels.labels(id),
  add: (news, annotator) => labels.add(news, annotator),
  undo: (id) => labels.undo(id),
  advantagePreview: (id, override, options) => previews.advantagePreview(id, override, options),
  exportCsv: (id) => labels.exportCsv(id),
  annotate: (id, how) => labels.annotate(id, how),
  exportFile: (ids, format) => labels.exportFile(ids, format),
})
