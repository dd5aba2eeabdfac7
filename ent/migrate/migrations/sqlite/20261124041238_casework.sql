-- +goose Up
-- create "cases" table
CREATE TABLE `cases` (`id` text NOT NULL, `number` text NULL, `query_code` text NULL, `state` text NOT NULL, `version` integer NOT NULL, `applicant` text NOT NULL, `agent` text NULL, `notice_number` text NULL, `facts` json NOT NULL, `dossier` json NOT NULL, `opened_at` datetime NOT NULL, `received_at` datetime NULL, `accepted_at` datetime NULL, `decided_at` datetime NULL, `recorded_at` datetime NOT NULL, `event_count` integer NOT NULL, `calendar` text NOT NULL, `accept_by` text NULL, `promised_due_on` text NULL, `statutory_due_on` text NULL, `wake_on` text NULL, `scheme_id` text NULL, `item_id` text NULL, `lead_id` text NOT NULL, `region_id` text NULL, PRIMARY KEY (`id`), CONSTRAINT `cases_scheme_versions_scheme` FOREIGN KEY (`scheme_id`) REFERENCES `scheme_versions` (`id`) ON DELETE SET NULL, CONSTRAINT `cases_item_versions_item` FOREIGN KEY (`item_id`) REFERENCES `item_versions` (`id`) ON DELETE SET NULL, CONSTRAINT `cases_departments_lead` FOREIGN KEY (`lead_id`) REFERENCES `departments` (`id`) ON DELETE NO ACTION, CONSTRAINT `cases_regions_region` FOREIGN KEY (`region_id`) REFERENCES `regions` (`id`) ON DELETE SET NULL);
-- create index "cases_number_key" to table: "cases"
CREATE UNIQUE INDEX `cases_number_key` ON `cases` (`number`);
-- create index "casefile_applicant_opened_at" to table: "cases"
CREATE INDEX `casefile_applicant_opened_at` ON `cases` (`applicant`, `opened_at`);
-- create index "casefile_agent" to table: "cases"
CREATE INDEX `casefile_agent` ON `cases` (`agent`) WHERE agent IS NOT NULL;
-- create index "casefile_wake_on" to table: "cases"
CREATE INDEX `casefile_wake_on` ON `cases` (`wake_on`) WHERE wake_on IS NOT NULL;
-- create index "casefile_state_opened_at" to table: "cases"
CREATE INDEX `casefile_state_opened_at` ON `cases` (`state`, `opened_at`);
-- create index "casefile_lead_id_opened_at" to table: "cases"
CREATE INDEX `casefile_lead_id_opened_at` ON `cases` (`lead_id`, `opened_at`);
-- create index "casefile_opened_at" to table: "cases"
CREATE INDEX `casefile_opened_at` ON `cases` (`opened_at`);
-- create index "casefile_recorded_at" to table: "cases"
CREATE INDEX `casefile_recorded_at` ON `cases` (`recorded_at`);
-- create "case_materials" table
CREATE TABLE `case_materials` (`id` text NOT NULL, `position` integer NOT NULL, `code` text NOT NULL, `name` text NOT NULL, `source` text NOT NULL, `from_items` json NULL, `tolerable` bool NOT NULL, `file` json NULL, `trust` text NULL, `attached_by` text NULL, `attached_at` datetime NULL, `on_paper` bool NOT NULL, `due_on` text NULL, `missed_at` datetime NULL, `case_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `case_materials_cases_materials` FOREIGN KEY (`case_id`) REFERENCES `cases` (`id`) ON DELETE NO ACTION);
-- create index "casematerial_case_id_code" to table: "case_materials"
CREATE UNIQUE INDEX `casematerial_case_id_code` ON `case_materials` (`case_id`, `code`);
-- create "events" table
CREATE TABLE `events` (`id` text NOT NULL, `seq` integer NULL, `position` integer NOT NULL, `kind` text NOT NULL, `occurred_at` datetime NOT NULL, `recorded_at` datetime NOT NULL, `late` bool NOT NULL, `actor` text NOT NULL, `role` text NOT NULL, `department` text NULL, `on_behalf_of` text NULL, `mandate` text NULL, `data` json NULL, `case_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `events_cases_events` FOREIGN KEY (`case_id`) REFERENCES `cases` (`id`) ON DELETE NO ACTION);
-- create index "event_case_id_position" to table: "events"
CREATE UNIQUE INDEX `event_case_id_position` ON `events` (`case_id`, `position`);
-- create index "event_seq" to table: "events"
CREATE UNIQUE INDEX `event_seq` ON `events` (`seq`);
-- create index "event_unsequenced" to table: "events"
CREATE INDEX `event_unsequenced` ON `events` (`recorded_at`) WHERE seq IS NULL;
-- create "idempotency_keys" table
CREATE TABLE `idempotency_keys` (`id` text NOT NULL, `request` text NOT NULL, `result` text NULL, `answer` blob NULL, `created_at` datetime NOT NULL, PRIMARY KEY (`id`));
-- create index "idempotencykey_created_at" to table: "idempotency_keys"
CREATE INDEX `idempotencykey_created_at` ON `idempotency_keys` (`created_at`);
-- create "reviews" table
CREATE TABLE `reviews` (`id` text NOT NULL, `position` integer NOT NULL, `lead` bool NOT NULL, `binding` bool NOT NULL, `safety_of_life` bool NOT NULL, `state` text NOT NULL, `opinion` text NULL, `reasons` json NOT NULL, `after` json NOT NULL, `copy_sent_at` datetime NOT NULL, `copy_received_at` datetime NOT NULL, `copy_opened_at` datetime NULL, `opened_at` datetime NULL, `answered_at` datetime NULL, `due_on` text NULL, `ledger` json NOT NULL, `findings` json NOT NULL, `case_id` text NOT NULL, `item_id` text NOT NULL, `department_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `reviews_cases_reviews` FOREIGN KEY (`case_id`) REFERENCES `cases` (`id`) ON DELETE NO ACTION, CONSTRAINT `reviews_item_versions_item` FOREIGN KEY (`item_id`) REFERENCES `item_versions` (`id`) ON DELETE NO ACTION, CONSTRAINT `reviews_departments_department` FOREIGN KEY (`department_id`) REFERENCES `departments` (`id`) ON DELETE NO ACTION);
-- create index "review_case_id_position" to table: "reviews"
CREATE UNIQUE INDEX `review_case_id_position` ON `reviews` (`case_id`, `position`);
-- create index "review_department_id_state_due_on" to table: "reviews"
CREATE INDEX `review_department_id_state_due_on` ON `reviews` (`department_id`, `state`, `due_on`);
-- create index "review_department_id_case_id" to table: "reviews"
CREATE INDEX `review_department_id_case_id` ON `reviews` (`department_id`, `case_id`);

-- +goose Down
-- reverse: create index "review_department_id_case_id" to table: "reviews"
DROP INDEX `review_department_id_case_id`;
-- reverse: create index "review_department_id_state_due_on" to table: "reviews"
DROP INDEX `review_department_id_state_due_on`;
-- reverse: create index "review_case_id_position" to table: "reviews"
DROP INDEX `review_case_id_position`;
-- reverse: create "reviews" table
DROP TABLE `reviews`;
-- reverse: create index "idempotencykey_created_at" to table: "idempotency_keys"
DROP INDEX `idempotencykey_created_at`;
-- reverse: create "idempotency_keys" table
DROP TABLE `idempotency_keys`;
-- reverse: create index "event_unsequenced" to table: "events"
DROP INDEX `event_unsequenced`;
-- reverse: create index "event_seq" to table: "events"
DROP INDEX `event_seq`;
-- reverse: create index "event_case_id_position" to table: "events"
DROP INDEX `event_case_id_position`;
-- reverse: create "events" table
DROP TABLE `events`;
-- reverse: create index "casematerial_case_id_code" to table: "case_materials"
DROP INDEX `casematerial_case_id_code`;
-- reverse: create "case_materials" table
DROP TABLE `case_materials`;
-- reverse: create index "casefile_recorded_at" to table: "cases"
DROP INDEX `casefile_recorded_at`;
-- reverse: create index "casefile_opened_at" to table: "cases"
DROP INDEX `casefile_opened_at`;
-- reverse: create index "casefile_lead_id_opened_at" to table: "cases"
DROP INDEX `casefile_lead_id_opened_at`;
-- reverse: create index "casefile_state_opened_at" to table: "cases"
DROP INDEX `casefile_state_opened_at`;
-- reverse: create index "casefile_wake_on" to table: "cases"
DROP INDEX `casefile_wake_on`;
-- reverse: create index "casefile_agent" to table: "cases"
DROP INDEX `casefile_agent`;
-- reverse: create index "casefile_applicant_opened_at" to table: "cases"
DROP INDEX `casefile_applicant_opened_at`;
-- reverse: create index "cases_number_key" to table: "cases"
DROP INDEX `cases_number_key`;
-- reverse: create "cases" table
DROP TABLE `cases`;
