-- +goose Up
-- create "webhooks" table
CREATE TABLE "webhooks" ("id" character varying NOT NULL, "url" character varying NOT NULL, "kinds" jsonb NOT NULL, "department" character varying NULL, "region" character varying NULL, "scheme" character varying NULL, "own_cases" boolean NOT NULL, "selection" character varying NOT NULL, "state" character varying NOT NULL, "reason" character varying NULL, "owner" character varying NOT NULL, "role" character varying NOT NULL, "owner_department" character varying NULL, "owner_region" character varying NULL, "secrets" jsonb NOT NULL, "cursor" bigint NOT NULL, "failures" bigint NOT NULL, "failing_since" timestamptz NULL, "open_until" timestamptz NULL, "created_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
-- create index "endpoint_owner_created_at" to table: "webhooks"
CREATE INDEX "endpoint_owner_created_at" ON "webhooks" ("owner", "created_at");
-- create "webhook_deliveries" table
CREATE TABLE "webhook_deliveries" ("id" character varying NOT NULL, "kind" character varying NOT NULL, "case_id" character varying NOT NULL, "seq" bigint NOT NULL, "state" character varying NOT NULL, "attempt_count" bigint NOT NULL, "next_at" timestamptz NULL, "since" timestamptz NOT NULL, "done_at" timestamptz NULL, "lease" character varying NULL, "lease_until" timestamptz NULL, "event_id" character varying NULL, "webhook_id" character varying NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "webhook_deliveries_events_event" FOREIGN KEY ("event_id") REFERENCES "events" ("id") ON UPDATE NO ACTION ON DELETE SET NULL, CONSTRAINT "webhook_deliveries_webhooks_deliveries" FOREIGN KEY ("webhook_id") REFERENCES "webhooks" ("id") ON UPDATE NO ACTION ON DELETE CASCADE);
-- create index "delivery_done_at" to table: "webhook_deliveries"
CREATE INDEX "delivery_done_at" ON "webhook_deliveries" ("done_at") WHERE (done_at IS NOT NULL);
-- create index "delivery_pending" to table: "webhook_deliveries"
CREATE INDEX "delivery_pending" ON "webhook_deliveries" ("webhook_id", "next_at") WHERE (next_at IS NOT NULL);
-- create index "delivery_pending_case" to table: "webhook_deliveries"
CREATE INDEX "delivery_pending_case" ON "webhook_deliveries" ("webhook_id", "case_id", "seq") WHERE (next_at IS NOT NULL);
-- create index "delivery_webhook_id_seq" to table: "webhook_deliveries"
CREATE UNIQUE INDEX "delivery_webhook_id_seq" ON "webhook_deliveries" ("webhook_id", "seq");
-- create "webhook_attempts" table
CREATE TABLE "webhook_attempts" ("id" character varying NOT NULL, "position" bigint NOT NULL, "at" timestamptz NOT NULL, "took" bigint NOT NULL, "outcome" character varying NOT NULL, "status" bigint NULL, "error" character varying NULL, "delivery_id" character varying NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "webhook_attempts_webhook_deliveries_attempts" FOREIGN KEY ("delivery_id") REFERENCES "webhook_deliveries" ("id") ON UPDATE NO ACTION ON DELETE CASCADE);
-- create index "deliveryattempt_delivery_id_position" to table: "webhook_attempts"
CREATE UNIQUE INDEX "deliveryattempt_delivery_id_position" ON "webhook_attempts" ("delivery_id", "position");

-- +goose Down
-- reverse: create index "deliveryattempt_delivery_id_position" to table: "webhook_attempts"
DROP INDEX "deliveryattempt_delivery_id_position";
-- reverse: create "webhook_attempts" table
DROP TABLE "webhook_attempts";
-- reverse: create index "delivery_webhook_id_seq" to table: "webhook_deliveries"
DROP INDEX "delivery_webhook_id_seq";
-- reverse: create index "delivery_pending_case" to table: "webhook_deliveries"
DROP INDEX "delivery_pending_case";
-- reverse: create index "delivery_pending" to table: "webhook_deliveries"
DROP INDEX "delivery_pending";
-- reverse: create index "delivery_done_at" to table: "webhook_deliveries"
DROP INDEX "delivery_done_at";
-- reverse: create "webhook_deliveries" table
DROP TABLE "webhook_deliveries";
-- reverse: create index "endpoint_owner_created_at" to table: "webhooks"
DROP INDEX "endpoint_owner_created_at";
-- reverse: create "webhooks" table
DROP TABLE "webhooks";
