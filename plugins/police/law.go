package main

import "github.com/onedoor/onedoor/plugins/internal/citation"

// The law on which the findings rest.
var (
	minorsBars     = citation.Citation{Law: "未成年人保护法", Article: "第58条", Verified: citation.Text}
	videoForbidden = citation.Citation{Law: "公共安全视频图像信息系统管理条例", Article: "第8条", Verified: citation.Text}
	videoKept      = citation.Citation{Law: "公共安全视频图像信息系统管理条例", Article: "第17条", Verified: citation.Text}
	terrorKept     = citation.Citation{Law: "反恐怖主义法", Article: "第32条", Verified: citation.Text}
	farmInns       = citation.Citation{Law: "DB33/T 669", Article: "A.1.5", Verified: citation.Web}
	entVideo       = citation.Citation{Law: "娱乐场所管理条例", Article: "第15条", Verified: citation.Text}
	entGuards      = citation.Citation{Law: "娱乐场所管理条例", Article: "第26条", Verified: citation.Text}
	entGuardCount  = citation.Citation{Law: "娱乐场所治安管理办法", Article: "第30条", Verified: citation.Web}
	hotelGuards    = citation.Citation{Law: "旅馆业治安管理办法", Article: "第5条", Verified: citation.Text}
	scrapResidence = citation.Citation{Law: "废旧金属收购业治安管理办法（2023修订）", Article: "第5条", Verified: citation.Text}
	// The number's structure is in the body of the standard; no article is cited.
	identityNumber = citation.Citation{Law: "GB 11643-1999", Article: "公民身份号码的结构和校验码", Verified: citation.Web}
)
