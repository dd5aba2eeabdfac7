// Starts GraphiQL in the page: queries go to the endpoint by POST, subscriptions by WebSocket.
'use strict';
(() => {
  const root = document.getElementById('graphiql');
  const { endpoint, sample } = root.dataset;
  const url = new URL(endpoint, location.href);
  const subscriptionUrl = new URL(url);
  subscriptionUrl.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const fetcher = GraphiQL.createFetcher({ url: url.href, subscriptionUrl: subscriptionUrl.href });
  ReactDOM.createRoot(root).render(
    React.createElement(GraphiQL, { fetcher, defaultQuery: sample, inputValueDeprecation: true }),
  );
})();
