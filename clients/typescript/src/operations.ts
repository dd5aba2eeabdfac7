// The operations of this example. `npm run generate` writes their types.
import { graphql } from './gql';

export const Guide = graphql(`
  query Guide($facts: FactSet!) {
    guide(input: { scheme: "catering", facts: $facts }) {
      complete
      nextQuestion { key label labelEn kind values { code label } }
      items { needed item { code name } }
      materials { code name source }
    }
  }
`);

export const IssueNotice = graphql(`
  mutation IssueNotice($input: IssueNoticeInput!) {
    issueNotice(input: $input) {
      notice { number digest guide { materials { code name source } } }
    }
  }
`);

export const OpenCase = graphql(`
  mutation OpenCase($input: OpenCaseInput!) {
    openCase(input: $input) { case { ...CaseHead } }
  }
`);

export const CaseHead = graphql(`
  fragment CaseHead on Case { id number version state }
`);

export const AttachMaterial = graphql(`
  mutation AttachMaterial($input: AttachMaterialInput!) {
    attachMaterial(input: $input) {
      case { ...CaseHead }
      material { id code trust file { name type size sha256 } }
    }
  }
`);

export const SubmitCase = graphql(`
  mutation SubmitCase($input: SubmitCaseInput!) {
    submitCase(input: $input) {
      case { ...CaseHead }
      receipt { number queryCode acceptBy }
    }
  }
`);

// The case as it is, and the place of its last event: following goes on from there.
export const CaseNow = graphql(`
  query CaseNow($number: String!) {
    case(number: $number) {
      ...CaseHead
      events(last: 1) { edges { node { id kind cursor } } }
    }
  }
`);

export const CaseEvents = graphql(`
  subscription CaseEvents($number: String!, $after: Cursor) {
    caseEvents(number: $number, after: $after) { id cursor kind occurredAt case { ...CaseHead } }
  }
`);
