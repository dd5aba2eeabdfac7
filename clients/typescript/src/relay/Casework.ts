// What Relay's compiler reads. Nobody imports this file: in an application, the
// compiler's Babel plugin puts the artifacts of __generated__ in place of the tags;
// without a bundler, relay.ts imports them itself.
import { graphql } from 'relay-runtime';

graphql`
  query CaseworkListQuery($count: Int!, $cursor: Cursor) {
    ...Casework_cases @arguments(count: $count, cursor: $cursor)
  }
`;

graphql`
  fragment Casework_cases on Query
  @argumentDefinitions(count: { type: "Int!" }, cursor: { type: "Cursor" })
  @refetchable(queryName: "CaseworkPaginationQuery") {
    cases(first: $count, after: $cursor, orderBy: [{ field: OPENED_AT, direction: ASC }]) @connection(key: "Casework_cases") {
      totalCount
      edges { node { id ...Casework_case } }
      pageInfo { hasNextPage endCursor }
    }
  }
`;

graphql`
  fragment Casework_case on Case @refetchable(queryName: "CaseworkRefetchQuery") {
    id
    number
    state
    version
  }
`;

graphql`
  query CaseworkNodeQuery($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Case {
        number
        state
        events(first: 5) @connection(key: "CaseworkNodeQuery_events") {
          edges { node { id kind cursor } }
        }
      }
    }
  }
`;

graphql`
  mutation CaseworkOpenMutation($input: OpenCaseInput!) {
    openCase(input: $input) { case { ...Casework_case } }
  }
`;

graphql`
  mutation CaseworkAttachMutation($input: AttachMaterialInput!) {
    attachMaterial(input: $input) {
      material { id file { sha256 } }
      case { ...Casework_case }
    }
  }
`;

graphql`
  mutation CaseworkWithdrawMutation($input: WithdrawCaseInput!) {
    withdrawCase(input: $input) { case { ...Casework_case } }
  }
`;

graphql`
  subscription CaseworkEventsSubscription($number: String!, $after: Cursor) {
    caseEvents(number: $number, after: $after) { id kind cursor case { ...Casework_case } }
  }
`;
