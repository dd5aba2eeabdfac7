// An applicant asks what a restaurant needs, opens a case, hands in a paper and
// the application, and follows what happens: the same with every client library.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { first, type Api } from './kit';
import { AttachMaterial, CaseEvents, CaseNow, Guide, IssueNotice, OpenCase, SubmitCase } from './operations';

export async function scenario(api: Api): Promise<void> {
  const { guide } = await api.query(Guide, { facts: {} });
  assert.equal(guide.complete, false);
  assert.ok(guide.nextQuestion?.key, 'there is something to ask');

  const facts = { industry: 'catering', use_area: 180, seats: 80, zone: 'commercial' };
  const { issueNotice } = await api.mutate(IssueNotice, { input: { scheme: 'catering', facts } });
  assert.match(issueNotice.notice.digest, /^[0-9a-f]{64}$/);

  const { openCase } = await api.mutate(OpenCase, { input: { notice: issueNotice.notice.number } });
  assert.equal(openCase.case.state, 'DRAFT');
  const draft = openCase.case.number;

  const paper = issueNotice.notice.guide.materials.find((m) => m.source === 'APPLICANT');
  assert.ok(paper, 'the applicant brings a paper');
  const content = '%PDF-1.4\n% 营业执照\n%%EOF\n';
  const { attachMaterial } = await api.mutate(AttachMaterial, {
    input: { case: draft, material: paper.code, file: new File([content], '营业执照.pdf', { type: 'application/pdf' }) },
  });
  assert.equal(attachMaterial.material.file?.sha256, createHash('sha256').update(content).digest('hex'));
  assert.equal(attachMaterial.material.file?.name, '营业执照.pdf');

  // To follow without losing anything: read, and go on after what was read.
  const before = (await api.query(CaseNow, { number: draft })).case?.events.edges?.[0]?.node;
  assert.equal(before?.kind, 'attachMaterial');
  const next = first(api.subscribe(CaseEvents, { number: draft, after: before.cursor }));
  const { submitCase } = await api.mutate(SubmitCase, { input: { case: draft, expectedVersion: attachMaterial.case.version } });
  assert.match(submitCase.receipt.number, /^BJ/);
  const { caseEvents: event } = await next;
  assert.equal(event.kind, 'submitCase');
  assert.equal(event.case.state, 'SUBMITTED');

  // A client that was away gets what it has missed, the same events.
  const again = await first(api.subscribe(CaseEvents, { number: submitCase.receipt.number, after: before.cursor }));
  assert.equal(again.caseEvents.id, event.id);

  await assert.rejects(
    api.mutate(SubmitCase, { input: { case: draft } }),
    (error) => api.codeOf(error) === 'CONFLICT',
    'a case is not submitted twice',
  );
  await assert.rejects(
    first(api.subscribe(CaseEvents, { number: 'BJ20000101-000000' })),
    (error) => api.codeOf(error) === 'NOT_FOUND',
    'there is no such case to follow',
  );
}
