-- +goose Up
-- create "idempotency_keys" table
CREATE TABLE "idempotency_keys" ("id" character varying NOT NULL, "request" character varying NOT NULL, "result" character varying NULL, "answer" bytea NULL, "created_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
-- create index "idempotencykey_created_at" to table: "idempotency_keys"
CREATE INDEX "idempotencykey_created_at" ON "idempotency_keys" ("created_at");
-- create "cases" table
CREATE TABLE "cases" ("id" character varying NOT NULL, "number" character varying NULL, "query_code" character varying NULL, "state" character varying NOT NULL, "version" bigint NOT NULL, "applicant" character varying NOT NULL, "agent" character varying NULL, "notice_number" character varying NULL, "facts" jsonb NOT NULL, "dossier" jsonb NOT NULL, "opened_at" timestamptz NOT NULL, "received_at" timestamptz NULL, "accepted_at" timestamptz NULL, "decided_at" timestamptz NULL, "recorded_at" timestamptz NOT NULL, "event_count" bigint NOT NULL, "calendar" character varying NOT NULL, "accept_by" character varying NULL, "promised_due_on" character varying NULL, "statutory_due_on" character varying NULL, "wake_on" character varying NULL, "scheme_id" character varying NULL, "item_id" character varying NULL, "lead_id" character varying NOT NULL, "region_id" character varying NULL, PRIMARY KEY ("id"), CONSTRAINT "cases_departments_lead" FOREIGN KEY ("lead_id") REFERENCES "departments" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION, CONSTRAINT "cases_item_versions_item" FOREIGN KEY ("item_id") REFERENCES "item_versions" ("id") ON UPDATE NO ACTION ON DELETE SET NULL, CONSTRAINT "cases_regions_region" FOREIGN KEY ("region_id") REFERENCES "regions" ("id") ON UPDATE NO ACTION ON DELETE SET NULL, CONSTRAINT "cases_scheme_versions_scheme" FOREIGN KEY ("scheme_id") REFERENCES "scheme_versions" ("id") ON UPDATE NO ACTION ON DELETE SET NULL);
-- create index "casefile_agent" to table: "cases"
CREATE INDEX "casefile_agent" ON "cases" ("agent") WHERE (agent IS NOT NULL);
-- create index "casefile_applicant_opened_at" to table: "cases"
CREATE INDEX "casefile_applicant_opened_at" ON "cases" ("applicant", "opened_at");
-- create index "casefile_lead_id_opened_at" to table: "cases"
CREATE INDEX "casefile_lead_id_opened_at" ON "cases" ("lead_id", "opened_at");
-- create index "casefile_opened_at" to table: "cases"
CREATE INDEX "casefile_opened_at" ON "cases" ("opened_at");
-- create index "casefile_recorded_at" to table: "cases"
CREATE INDEX "casefile_recorded_at" ON "cases" ("recorded_at");
-- create index "casefile_state_opened_at" to table: "cases"
CREATE INDEX "casefile_state_opened_at" ON "cases" ("state", "opened_at");
-- create index "casefile_wake_on" to table: "cases"
CREATE INDEX "casefile_wake_on" ON "cases" ("wake_on") WHERE (wake_on IS NOT NULL);
-- create index "cases_number_key" to table: "cases"
CREATE UNIQUE INDEX "cases_number_key" ON "cases" ("number");
-- create "case_materials" table
CREATE TABLE "case_materials" ("id" character varying NOT NULL, "position" bigint NOT NULL, "code" character varying NOT NULL, "name" character varying NOT NULL, "source" character varying NOT NULL, "from_items" jsonb NULL, "tolerable" boolean NOT NULL, "file" jsonb NULL, "trust" character varying NULL, "attached_by" character varying NULL, "attached_at" timestamptz NULL, "on_paper" boolean NOT NULL, "due_on" character varying NULL, "missed_at" timestamptz NULL, "case_id" character varying NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "case_materials_cases_materials" FOREIGN KEY ("case_id") REFERENCES "cases" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION);
-- create index "casematerial_case_id_code" to table: "case_materials"
CREATE UNIQUE INDEX "casematerial_case_id_code" ON "case_materials" ("case_id", "code");
-- create "events" table
CREATE TABLE "events" ("id" character varying NOT NULL, "seq" bigint NULL, "position" bigint NOT NULL, "kind" character varying NOT NULL, "occurred_at" timestamptz NOT NULL, "recorded_at" timestamptz NOT NULL, "late" boolean NOT NULL, "actor" character varying NOT NULL, "role" character varying NOT NULL, "department" character varying NULL, "on_behalf_of" character varying NULL, "mandate" character varying NULL, "data" jsonb NULL, "case_id" character varying NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "events_cases_events" FOREIGN KEY ("case_id") REFERENCES "cases" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION);
-- create index "event_case_id_position" to table: "events"
CREATE UNIQUE INDEX "event_case_id_position" ON "events" ("case_id", "position");
-- create index "event_seq" to table: "events"
CREATE UNIQUE INDEX "event_seq" ON "events" ("seq");
-- create index "event_unsequenced" to table: "events"
CREATE INDEX "event_unsequenced" ON "events" ("recorded_at") WHERE (seq IS NULL);
-- create "reviews" table
CREATE TABLE "reviews" ("id" character varying NOT NULL, "position" bigint NOT NULL, "lead" boolean NOT NULL, "binding" boolean NOT NULL, "safety_of_life" boolean NOT NULL, "state" character varying NOT NULL, "opinion" character varying NULL, "reasons" jsonb NOT NULL, "after" jsonb NOT NULL, "copy_sent_at" timestamptz NOT NULL, "copy_received_at" timestamptz NOT NULL, "copy_opened_at" timestamptz NULL, "opened_at" timestamptz NULL, "answered_at" timestamptz NULL, "due_on" character varying NULL, "ledger" jsonb NOT NULL, "findings" jsonb NOT NULL, "case_id" character varying NOT NULL, "item_id" character varying NOT NULL, "department_id" character varying NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "reviews_cases_reviews" FOREIGN KEY ("case_id") REFERENCES "cases" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION, CONSTRAINT "reviews_departments_department" FOREIGN KEY ("department_id") REFERENCES "departments" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION, CONSTRAINT "reviews_item_versions_item" FOREIGN KEY ("item_id") REFERENCES "item_versions" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION);
-- create index "review_case_id_position" to table: "reviews"
CREATE UNIQUE INDEX "review_case_id_position" ON "reviews" ("case_id", "position");
-- create index "review_department_id_case_id" to table: "reviews"
CREATE INDEX "review_department_id_case_id" ON "reviews" ("department_id", "case_id");
-- create index "review_department_id_state_due_on" to table: "reviews"
CREATE INDEX "review_department_id_state_due_on" ON "reviews" ("department_id", "state", "due_on");

-- +goose Down
-- reverse: create index "review_department_id_state_due_on" to table: "reviews"
DROP INDEX "review_department_id_state_due_on";
-- reverse: create index "review_department_id_case_id" to table: "reviews"
DROP INDEX "review_department_id_case_id";
-- reverse: create index "review_case_id_position" to table: "reviews"
DROP INDEX "review_case_id_position";
-- reverse: create "reviews" table
DROP TABLE "reviews";
-- reverse: create index "event_unsequenced" to table: "events"
DROP INDEX "event_unsequenced";
-- reverse: create index "event_seq" to table: "events"
DROP INDEX "event_seq";
-- reverse: create index "event_case_id_position" to table: "events"
DROP INDEX "event_case_id_position";
-- reverse: create "events" table
DROP TABLE "events";
-- reverse: create index "casematerial_case_id_code" to table: "case_materials"
DROP INDEX "casematerial_case_id_code";
-- reverse: create "case_materials" table
DROP TABLE "case_materials";
-- reverse: create index "cases_number_key" to table: "cases"
DROP INDEX "cases_number_key";
-- reverse: create index "casefile_wake_on" to table: "cases"
DROP INDEX "casefile_wake_on";
-- reverse: create index "casefile_state_opened_at" to table: "cases"
DROP INDEX "casefile_state_opened_at";
-- reverse: create index "casefile_recorded_at" to table: "cases"
DROP INDEX "casefile_recorded_at";
-- reverse: create index "casefile_opened_at" to table: "cases"
DROP INDEX "casefile_opened_at";
-- reverse: create index "casefile_lead_id_opened_at" to table: "cases"
DROP INDEX "casefile_lead_id_opened_at";
-- reverse: create index "casefile_applicant_opened_at" to table: "cases"
DROP INDEX "casefile_applicant_opened_at";
-- reverse: create index "casefile_agent" to table: "cases"
DROP INDEX "casefile_agent";
-- reverse: create "cases" table
DROP TABLE "cases";
-- reverse: create index "idempotencykey_created_at" to table: "idempotency_keys"
DROP INDEX "idempotencykey_created_at";
-- reverse: create "idempotency_keys" table
DROP TABLE "idempotency_keys";
