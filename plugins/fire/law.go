package main

import "github.com/onedoor/onedoor/plugins/sdk"

// The sources. Public pages give the same numbers for 5.5.8, 5.5.15, 表5.5.17, the
// densities of 5.5.21, 表5.5.21-1 and the 1.1 m of GB 55037 7.1.4 (web); the others
// are from general knowledge of the standards (verified: knowledge). None is yet
// compared with the printed text.
const (
	codeDesign  = "GB 50016-2014（2018版）" // 建筑设计防火规范
	codeGeneral = "GB 55037-2022"        // 建筑防火通用规范, since 2023-06-01 above the former where both speak
)

// A public building of more storeys than one is high-rise above this height, and
// of the first class above the other (GB 50016 2.1.1, 5.1.1; verified: knowledge).
var (
	highRise   = sdk.Dec("24")
	firstClass = sdk.Dec("50")
)

// entertainment are the kinds that count as 歌舞娱乐放映游艺场所, as the catalogue
// lists them. A sauna counts too (C-BTH-012).
var entertainment = []string{"ktv", "dance", "arcade", "netcafe", "video_hall"}

// publicTrades are those whose exits C-FIR-002 judges.
var publicTrades = []string{"catering", "entertainment", "hotel", "bathing"}

// density is how many people stand on a square metre of a room, by its use.
var density = map[string]struct {
	persons sdk.Decimal
	article string
}{
	"video_hall": {sdk.Dec("1.0"), "5.5.21第4款"},
	"song_dance": {sdk.Dec("0.5"), "5.5.21第4款"},
	"dance_hall": {sdk.Dec("0.5"), "5.5.21第4款"},
	"exhibition": {sdk.Dec("0.75"), "5.5.21第6款"},
}

// fixedSeat is how many people a fixed seat counts for (GB 50016 5.5.21第5款).
var fixedSeat = sdk.Dec("1.1")

// One exit is enough for a place this small on the ground floor (GB 50016 5.5.8,
// GB 55037 7.4.1).
var (
	oneExitArea    = sdk.Dec("200")
	oneExitPersons = sdk.Whole(50)
)

// perHundred is the least net width, in metres, for 100 persons (GB 50016 表
// 5.5.21-1; GB 55037 7.4.7), by the storeys of the building: up to two, three,
// more; and by the fire resistance class 1 to 4. Nothing means that the code gives
// no number: an officer judges.
var perHundred = [3][4]string{
	{"0.65", "0.65", "0.75", "1.00"},
	{"0.75", "0.75", "1.00", ""},
	{"1.00", "1.00", "1.25", ""},
}

// Below the ground it is by depth; a crowded hall and entertainment have the
// greater one in any case (GB 50016 表5.5.21-1, 5.5.21第2款).
var (
	perHundredShallow = sdk.Dec("0.75")
	perHundredDeep    = sdk.Dec("1.00")
	deep              = sdk.Dec("10")
)

// The least net width of each exit, in metres.
var (
	doorWidth  = sdk.Dec("0.80") // GB 55037 7.1.4第1款
	stairWidth = sdk.Dec("1.10") // GB 55037 7.1.4第3款: stairs and the outer doors of the ground floor
	crowdWidth = sdk.Dec("1.40") // GB 50016 5.5.19: doors of crowded halls
)

// travel is how far, in metres, the door of a room may be from the nearest exit
// (GB 50016 表5.5.17), between two exits and at a dead end, by fire resistance
// class: 1 and 2, 3, 4.
type travel struct{ between, deadEnd [3]string }

var (
	travelEntertainment = travel{[3]string{"25", "20", "15"}, [3]string{"9", "", ""}}
	travelHighHotel     = travel{[3]string{"30", "", ""}, [3]string{"15", "", ""}}
	travelHighOther     = travel{[3]string{"40", "", ""}, [3]string{"20", "", ""}}
	travelOther         = travel{[3]string{"40", "35", "25"}, [3]string{"22", "20", "15"}}
)

// A hall with two doors in a building of class 1 or 2 has a distance of its own
// (GB 50016 5.5.17第4款).
var hallTravel = sdk.Dec("30")

// Sprinklers everywhere lengthen each distance (GB 50016 表5.5.17 注3).
var sprinkled = sdk.Dec("1.25")

// A room may have one door up to these sizes (GB 50016 5.5.15).
var (
	oneDoorEntertainment        = sdk.Dec("50")
	oneDoorEntertainmentPersons = sdk.Whole(15)
	oneDoorSide                 = sdk.Dec("120")
	oneDoorEndSmall             = sdk.Dec("50")
	oneDoorEndSmallWidth        = sdk.Dec("0.90")
	oneDoorEnd                  = sdk.Dec("200")
	oneDoorEndFarthest          = sdk.Dec("15")
	oneDoorEndWidth             = sdk.Dec("1.40")
)
