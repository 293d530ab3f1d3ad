/** What a person says of a run after the fact, each with a way back. */
import { api } from '../lib/api';
import type { RunChanges, RunDetail } from '../lib/api/types';
import { notices, tried } from '../lib/notices.svelte';

/** Changes a run, and tells so; false where it was refused. */
export async function edit(
  id: string,
  said: string,
  changes: RunChanges,
  back: RunChanges,
): Promise<boolean> {
  if (!(await tried(() => api.editRun(id, changes)))) return false;
  notices.tell(said, async () => {
    await tried(() => api.editRun(id, back));
  });
  return true;
}

/** Puts a run away at once, and deletes it when nobody can take that back any more: should the page be closed before, it is
 *  only archived. */
export async function remove(run: RunDetail): Promise<boolean> {
  if (!(await tried(() => api.editRun(run.id, { archived: true })))) return false;
  notices.tell(
    `Deleted ${run.name}.`,
    async () => {
      await tried(() => api.editRun(run.id, { archived: run.archived }));
    },
    () => void tried(() => api.deleteRun(run.id)),
  );
  return true;
}

/** How Python opens a run of this project. */
export function snippet(root: string, id: string): string {
  const folder = root.replace(/[/\\]\.voxloop[/\\]?$/, '');
  return [
    'import voxloop as vx',
    '',
    `project = vx.open(${JSON.stringify(folder)})`,
    `run = project.run(${JSON.stringify(id)})`,
    `series = project.series('run.id == ${JSON.stringify(id)} and (run.archived or not run.archived)').to_pandas()`,
    '',
  ].join('\n');
}
