package host_test

const asHost = "ONEDOOR_TEST_HOST"

func beHost() {}
